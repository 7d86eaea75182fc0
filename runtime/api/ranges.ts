import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Instant, instantText } from '../../schema/common.ts'
import { Failure } from '../../schema/failure.ts'
import { rangeIdOf } from '../../schema/id.ts'
import { IdOf } from '../../schema/id-schema.ts'
import { Range } from '../../schema/range.ts'
import { Run } from '../../schema/run.ts'
import type { AttemptRow, RejectRow } from '../store/attempts.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { RunRow } from '../store/runs.ts'
import type { App } from './app.ts'
import { workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { defaultLimit, idParams, listOf, NoBody, operation, pageQuery, query } from './operation.ts'
import { presentRange, presentRun } from './present.ts'
import { notFound } from './problem.ts'

const Attempt = Type.Object({
  fence: Type.Integer(),
  run_id: IdOf('run'),
  outcome: Type.Enum(['running', 'complete', 'recovered', 'failed', 'cancelled', 'interrupted']),
  started_at: Instant,
  finished_at: Type.Union([Instant, Type.Null()]),
  records: Type.Integer(),
  bytes: Type.Integer(),
  pages: Type.Integer(),
  requests: Type.Integer(),
  dropped: Type.Integer({ description: 'records outside the range, which another range owns' }),
  error: Type.Union([Failure, Type.Null()]),
})
const Reject = Type.Object({
  reason: Type.String(),
  where: Type.String(),
  sample: Type.String({ description: 'the record as JSON, cut' }),
  fence: Type.Integer(),
  created_at: Instant,
})

const tag = 'ranges'
const params = idParams('rng')
const ops = {
  get: operation({
    id: 'getRange',
    summary: 'Get a range',
    tag,
    role: 'viewer',
    params,
    answer: { 200: Range },
  }),
  retry: operation({
    id: 'retryRange',
    summary: 'Read one range again now',
    tag,
    role: 'operator',
    params,
    body: NoBody,
    answer: { 202: Run },
  }),
  attempts: operation({
    id: 'listRangeAttempts',
    summary: 'List the tries of a range, newest first',
    tag,
    role: 'viewer',
    params,
    query: query(pageQuery),
    answer: { 200: listOf(Attempt) },
  }),
  rejects: operation({
    id: 'listRangeRejects',
    summary: 'List records that could not be written',
    tag,
    role: 'viewer',
    params,
    query: query(pageQuery),
    answer: { 200: listOf(Reject) },
  }),
}

export function rangeRoutes(app: App, deps: ApiDeps): void {
  const { stores, engine } = deps
  const find = (request: FastifyRequest, id: string): RangeRow => {
    const rowId = rangeIdOf(id)
    const row = rowId === undefined ? undefined : stores.ranges.get(rowId)
    const owner = row && stores.streams.get(workspaceOf(request, deps).id, row.streamId)
    if (!row || !owner) throw notFound('range', id)
    return row
  }
  app.get('/api/v1/ranges/:id', ops.get, async (request) =>
    presentRange(find(request, request.params.id)),
  )
  app.post('/api/v1/ranges/:id/retry', ops.retry, async (request, reply) => {
    const { runId } = engine.retryRange(find(request, request.params.id).id)
    reply.code(202).header('location', `/api/v1/runs/${runId}`)
    return presentRun(stores.runs.get(runId) as RunRow, engine)
  })
  // The ledger keeps a few dozen of each a range: one page holds them.
  app.get('/api/v1/ranges/:id/attempts', ops.attempts, async (request) => {
    const row = find(request, request.params.id)
    const rows = stores.attempts.list(row.id, request.query.limit ?? defaultLimit)
    return { data: rows.map(presentAttempt), next_cursor: null }
  })
  app.get('/api/v1/ranges/:id/rejects', ops.rejects, async (request) => {
    const row = find(request, request.params.id)
    const rows = stores.attempts.rejects(row.id, request.query.limit ?? defaultLimit)
    return { data: rows.map(presentReject), next_cursor: null }
  })
}

const presentAttempt = (row: AttemptRow) => ({
  fence: row.fence,
  run_id: row.runId,
  outcome: row.outcome,
  started_at: instantText(row.startedAt),
  finished_at: row.finishedAt === null ? null : instantText(row.finishedAt),
  records: row.records,
  bytes: row.bytes,
  pages: row.pages,
  requests: row.requests,
  dropped: row.dropped,
  error: row.error,
})

const presentReject = (row: RejectRow) => ({
  reason: row.reason,
  where: row.where,
  sample: row.sample,
  fence: row.fence,
  created_at: instantText(row.createdAt),
})
