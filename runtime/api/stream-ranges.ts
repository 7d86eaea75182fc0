import Type from 'typebox'
import { rangeIdText } from '../../schema/id.ts'
import { IdOf } from '../../schema/id-schema.ts'
import { Calendar, Range, RangeStatus, rangeStatuses } from '../../schema/range.ts'
import { calendarLetter } from '../../schema/range-state.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { StreamRow } from '../store/streams.ts'
import type { App } from './app.ts'
import { callerOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { defaultLimit, idParams, listOf, NoBody, operation, pageQuery, query } from './operation.ts'
import { decodeCursor, pageOf } from './paging.ts'
import { presentRange } from './present.ts'
import { requireRole } from './principal.ts'
import { unprocessable } from './problem.ts'
import { stopStream } from './stop-stream.ts'
import { findStream } from './streams.ts'
import { askedWindow, windowFields, zoneOf } from './window.ts'

const tag = 'ranges'
const params = idParams('str')
export const rangeQuery = {
  ...pageQuery,
  status: Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'pending, running, complete or failed; or several',
    }),
  ),
}
const ops = {
  list: operation({
    id: 'listStreamRanges',
    summary: "List a stream's ranges, latest first",
    tag,
    role: 'viewer',
    params,
    query: query(rangeQuery),
    answer: { 200: listOf(Range) },
  }),
  act: operation({
    id: 'actOnRanges',
    summary: 'Move the ranges of a window, or count those that would be moved',
    tag,
    role: 'operator',
    params,
    body: Type.Object(
      {
        ...NoBody.properties,
        action: Type.Enum(['retry', 'resync', 'prioritize', 'clear']),
        ...windowFields,
        status: Type.Optional(RangeStatus),
        dry_run: Type.Optional(Type.Boolean({ default: false })),
        force: Type.Optional(
          Type.Boolean({
            default: false,
            description: 'for retry and resync: far fewer records than before are believed',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    answer: {
      200: Type.Object({
        matched: Type.Integer(),
        run_id: Type.Union([IdOf('run'), Type.Null()]),
      }),
    },
  }),
  calendar: operation({
    id: 'getStreamCalendar',
    summary: 'Every range of a stream as one letter',
    tag,
    role: 'viewer',
    params,
    answer: { 200: Calendar },
  }),
}

export function streamRangeRoutes(app: App, deps: ApiDeps): void {
  const { stores, engine } = deps
  app.get('/api/v1/streams/:id/ranges', ops.list, async (request) => {
    const row = findStream(request, request.params.id, deps)
    return rangePage(row.id, request.query, deps)
  })
  app.post('/api/v1/streams/:id/ranges', ops.act, async (request, reply) => {
    const row = findStream(request, request.params.id, deps)
    const { action, status, dry_run: dryRun = false, force = false } = request.body
    const window = askedWindow(request.body, zoneOf(row, deps))
    if (action === 'clear') {
      requireRole(callerOf(request), 'admin')
      requireWholeWindow(request.body)
      if (!dryRun) await stopStream(row.id, deps)
    }
    const options = { dryRun, force, ...(status ? { status } : {}) }
    const { matched, runId } = await engine.actOnRanges(row.id, action, window, options)
    reply.code(dryRun ? 200 : 202)
    return { matched, run_id: runId }
  })
  app.get('/api/v1/streams/:id/calendar', ops.calendar, async (request) => {
    const row = findStream(request, request.params.id, deps)
    return calendarOf(row, stores.ranges.all(row.id), zoneOf(row, deps))
  })
}

/** Data go: of a window that is named, never of all there is by leaving it out. */
function requireWholeWindow({ from, to, status }: Record<string, unknown>): void {
  const missing = [(from ?? null) === null ? '/from' : null, (to ?? null) === null ? '/to' : null]
  const errors = missing.flatMap((pointer) =>
    pointer ? [{ pointer, detail: 'is needed to clear', remedy: 'or reset with clear' }] : [],
  )
  if (status !== undefined)
    errors.push({ pointer: '/status', detail: 'does not go with clear', remedy: 'leave it out' })
  if (errors.length > 0) throw unprocessable('ranges.invalid', errors)
}

interface RangePageQuery {
  limit?: number
  cursor?: string
  status?: string
}

/** One page of a stream's ranges, latest first; with `runId` those that a run last worked on. */
export function rangePage(
  streamId: string,
  { limit = defaultLimit, cursor, status }: RangePageQuery,
  { stores }: Pick<ApiDeps, 'stores'>,
  runId?: string,
) {
  const filter = {
    limit: limit + 1,
    ...(status === undefined ? {} : { statuses: listed(status, rangeStatuses, '/status') }),
    ...(runId === undefined ? {} : { runId }),
    ...(cursor === undefined ? {} : { after: keyOf(decodeCursor(cursor, ['number', 'number'])) }),
  }
  const rows = stores.ranges.page(streamId, filter)
  return pageOf(rows, limit, (row) => [row.start, row.id], presentRange)
}

const keyOf = ([start, id]: [number, number]) => ({ start, id })

/** Words of a comma-separated parameter. Throws ApiProblem 422 for one that is not known. */
export function listed<T extends string>(text: string, known: readonly T[], pointer: string): T[] {
  const words = text.split(',').filter((word) => word !== '')
  const odd = words.find((word) => !known.includes(word as T))
  if (odd === undefined) return words as T[]
  throw unprocessable('query.invalid', [
    { pointer, detail: `${odd} is not one of ${known.join(', ')}` },
  ])
}

/** Numbers as differences: ten years of hours compress to a few kilobytes. */
function calendarOf(stream: StreamRow, rows: RangeRow[], timezone: string): Calendar {
  const windows = rows.filter((row) => row.kind === 'window')
  const shown = windows.length > 0 ? windows : rows
  const isFull = windows.length === 0 && rows.length > 0
  return {
    stream_id: stream.id,
    granularity: isFull ? 'full' : stream.syncGranularity,
    timezone,
    starts: differences(shown.map((row) => Math.floor(row.start / 1_000))),
    letters: shown.map(calendarLetter).join(''),
    first_range_id: shown[0] ? rangeIdText(shown[0].id) : null,
    ids: differences(shown.map((row) => row.id)),
  }
}

const differences = (values: number[]): number[] =>
  values.map((value, i) => (i === 0 ? value : value - (values[i - 1] as number)))
