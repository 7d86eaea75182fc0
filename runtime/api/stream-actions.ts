import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Run } from '../../schema/run.ts'
import { Stream } from '../../schema/stream.ts'
import type { RunRow } from '../store/runs.ts'
import type { StreamRow } from '../store/streams.ts'
import type { App } from './app.ts'
import { callerOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { idParams, NoBody, operation } from './operation.ts'
import { presentRun } from './present.ts'
import { ApiProblem, notFound } from './problem.ts'
import { stopStream } from './stop-stream.ts'
import { changeStream, streamSaved } from './stream-changes.ts'
import { findStream } from './streams.ts'
import { askedWindow, windowFields, zoneOf } from './window.ts'

const tag = 'streams'
const role = 'operator'
const params = idParams('str')
const closed = { additionalProperties: false } as const
const ops = {
  sync: operation({
    id: 'syncStream',
    summary: 'Sync what is due, or read a window now; joins the run that is active',
    tag,
    role,
    params,
    body: Type.Object({ ...NoBody.properties, ...windowFields }, closed),
    answer: { 202: Type.Object({ ...Run.properties, joined: Type.Boolean() }) },
  }),
  cancel: operation({
    id: 'cancelStream',
    summary: 'Cancel the active run; its ranges go back to pending',
    tag,
    role,
    params,
    body: NoBody,
    answer: { 202: Run },
  }),
  enable: operation({
    id: 'enableStream',
    summary: 'Let the schedule and people sync the stream',
    tag,
    role,
    params,
    body: NoBody,
    answer: { 200: Stream },
  }),
  disable: operation({
    id: 'disableStream',
    summary: 'Cancel the active run and start none',
    tag,
    role,
    params,
    body: NoBody,
    answer: { 200: Stream },
  }),
  reset: operation({
    id: 'resetStream',
    summary: 'Open every range again; with clear the data goes first',
    tag,
    role: 'admin',
    params,
    body: Type.Object(
      { ...NoBody.properties, clear: Type.Optional(Type.Boolean({ default: false })) },
      closed,
    ),
    answer: { 202: Stream },
  }),
}

export function streamActionRoutes(app: App, deps: ApiDeps): void {
  const { stores, engine } = deps
  app.post('/api/v1/streams/:id/sync', ops.sync, async (request, reply) => {
    const row = findStream(request, request.params.id, deps)
    const window = askedWindow(request.body, zoneOf(row, deps))
    const isWindow = window.from !== null || window.to !== null
    const trigger = callerOf(request).auth === 'key' ? 'api' : 'manual'
    const started = engine.syncStream(row.id, trigger, isWindow ? window : undefined)
    const run = presentRun(stores.runs.get(started.runId) as RunRow, engine)
    reply.code(202).header('location', `/api/v1/runs/${run.id}`)
    return { ...run, joined: started.joined }
  })
  app.post('/api/v1/streams/:id/cancel', ops.cancel, async (request, reply) => {
    const row = findStream(request, request.params.id, deps)
    const run = stores.runs.active(row.id)
    if (!run || !engine.cancelStream(row.id)) {
      throw new ApiProblem(409, 'run.not_active', `${row.name} is not being synced`)
    }
    reply.code(202).header('location', `/api/v1/runs/${run.id}`)
    return presentRun(stores.runs.get(run.id) as RunRow, engine)
  })
  app.post('/api/v1/streams/:id/enable', ops.enable, async (request) =>
    setEnabled(request, request.params.id, true, deps),
  )
  app.post('/api/v1/streams/:id/disable', ops.disable, async (request) =>
    setEnabled(request, request.params.id, false, deps),
  )
  app.post('/api/v1/streams/:id/reset', ops.reset, async (request, reply) => {
    const row = findStream(request, request.params.id, deps)
    await stopStream(row.id, deps)
    await engine.resetStream(row.id, { clear: request.body.clear ?? false })
    const after = stores.streams.get(row.workspaceId, row.id)
    if (!after) throw notFound('stream', row.id)
    reply.code(202)
    return streamSaved(after, deps)
  })
}

function setEnabled(request: FastifyRequest, id: string, enabled: boolean, deps: ApiDeps): Stream {
  const row: StreamRow = findStream(request, id, deps)
  return streamSaved(changeStream(row, { enabled }, deps), deps)
}
