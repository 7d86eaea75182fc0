import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Instant } from '../../schema/common.ts'
import { Activity } from '../../schema/event.ts'
import { IdOf } from '../../schema/id-schema.ts'
import { Range } from '../../schema/range.ts'
import { Run, runStatuses } from '../../schema/run.ts'
import type { RunFilter, RunRow } from '../store/runs.ts'
import type { App } from './app.ts'
import { workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { defaultLimit, idParams, listOf, NoBody, operation, pageQuery, query } from './operation.ts'
import { decodeCursor, pageOf } from './paging.ts'
import { presentActivity, presentRun } from './present.ts'
import { ApiProblem, notFound } from './problem.ts'
import { listed, rangePage, rangeQuery } from './stream-ranges.ts'

const tag = 'runs'
const params = idParams('run')
const runQuery = query({
  ...pageQuery,
  stream_id: Type.Optional(IdOf('str')),
  connection_id: Type.Optional(IdOf('con')),
  source_id: Type.Optional(IdOf('src')),
  status: Type.Optional(
    Type.String({ maxLength: 100, description: `one or several of ${runStatuses.join(', ')}` }),
  ),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
})
const ops = {
  list: operation({
    id: 'listRuns',
    summary: 'List runs, newest first',
    tag,
    role: 'viewer',
    query: runQuery,
    answer: { 200: listOf(Run) },
  }),
  get: operation({
    id: 'getRun',
    summary: 'Get a run',
    tag,
    role: 'viewer',
    params,
    answer: { 200: Run },
  }),
  cancel: operation({
    id: 'cancelRun',
    summary: 'Cancel an active run; its ranges go back to pending',
    tag,
    role: 'operator',
    params,
    body: NoBody,
    answer: { 202: Run },
  }),
  ranges: operation({
    id: 'listRunRanges',
    summary: 'List the ranges that a run worked on last',
    tag,
    role: 'viewer',
    params,
    query: query(rangeQuery),
    answer: { 200: listOf(Range) },
  }),
  log: operation({
    id: 'getRunLog',
    summary: 'What happened in a run, oldest first',
    tag,
    role: 'viewer',
    params,
    query: query({
      ...pageQuery,
      level: Type.Optional(Type.Enum(['info', 'warn', 'error'])),
    }),
    answer: { 200: listOf(Activity) },
  }),
}

export function runRoutes(app: App, deps: ApiDeps): void {
  const { stores, engine } = deps
  const find = (request: FastifyRequest, id: string): RunRow => {
    const row = stores.runs.get(id)
    if (row?.workspaceId !== workspaceOf(request, deps).id) throw notFound('run', id)
    return row
  }
  const present = (row: RunRow) => presentRun(row, engine)

  app.get('/api/v1/runs', ops.list, async (request) => {
    const { limit = defaultLimit, ...asked } = request.query
    const filter = filterOf(workspaceOf(request, deps).id, asked, limit + 1)
    const rows = stores.runs.list(filter)
    return pageOf(rows, limit, (row) => [row.createdAt, row.id], present)
  })
  app.get('/api/v1/runs/:id', ops.get, async (request) => present(find(request, request.params.id)))
  app.post('/api/v1/runs/:id/cancel', ops.cancel, async (request, reply) => {
    const row = find(request, request.params.id)
    if (!engine.cancelRun(row.id)) {
      throw new ApiProblem(409, 'run.not_active', `the run has ended: ${row.status}`)
    }
    reply.code(202)
    return present(stores.runs.get(row.id) as RunRow)
  })
  app.get('/api/v1/runs/:id/ranges', ops.ranges, async (request) => {
    const row = find(request, request.params.id)
    return rangePage(row.streamId, request.query, deps, row.id)
  })
  app.get('/api/v1/runs/:id/log', ops.log, async (request) => {
    const row = find(request, request.params.id)
    const { limit = defaultLimit, cursor, level } = request.query
    const rows = stores.activity.list(row.workspaceId, {
      runId: row.id,
      oldestFirst: true,
      limit: limit + 1,
      ...(level === undefined ? {} : { level }),
      ...(cursor === undefined ? {} : { after: decodeCursor(cursor, ['number'])[0] }),
    })
    return pageOf(rows, limit, (line) => [line.id], presentActivity)
  })
}

interface AskedRuns {
  stream_id?: string
  connection_id?: string
  source_id?: string
  status?: string
  from?: string
  to?: string
  cursor?: string
}

function filterOf(workspaceId: string, asked: AskedRuns, limit: number): RunFilter {
  const filter: RunFilter = { workspaceId, limit }
  if (asked.stream_id) filter.streamId = asked.stream_id
  if (asked.connection_id) filter.connectionId = asked.connection_id
  if (asked.source_id) filter.sourceId = asked.source_id
  if (asked.status !== undefined) filter.statuses = listed(asked.status, runStatuses, '/status')
  if (asked.from !== undefined) filter.createdFrom = Date.parse(asked.from)
  if (asked.to !== undefined) filter.createdTo = Date.parse(asked.to)
  if (asked.cursor !== undefined) {
    const [createdAt, id] = decodeCursor(asked.cursor, ['number', 'string'])
    filter.after = { createdAt, id }
  }
  return filter
}
