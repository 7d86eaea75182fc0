import Type, { type Static } from 'typebox'
import { Instant } from './common.ts'
import { Failure } from './failure.ts'
import { IdOf } from './id-schema.ts'

export const rangeStatuses = ['pending', 'running', 'complete', 'failed'] as const
export type RangeStatus = (typeof rangeStatuses)[number]
export const RangeStatus = Type.Enum(rangeStatuses)

/** fresh: new and open time; history: backfill; repair: re-reads of what is committed already. */
export const lanes = ['fresh', 'history', 'repair'] as const
export type Lane = (typeof lanes)[number]
export const Lane = Type.Enum(lanes)

/** `window` has bounds in time; `full` reads the whole stream each time (connectors without a date filter). */
export const RangeKind = Type.Union([Type.Literal('window'), Type.Literal('full')])
export type RangeKind = Static<typeof RangeKind>

export const Range = Type.Object({
  id: IdOf('rng'),
  stream_id: IdOf('str'),
  kind: RangeKind,
  start: Type.Union([Instant, Type.Null()]),
  end: Type.Union([Instant, Type.Null()]),
  status: RangeStatus,
  sealed: Type.Boolean({
    description: 'closed and read after it had settled: final until a re-sync',
  }),
  committed_at: Type.Union([Instant, Type.Null()], {
    description: 'when what is in the destination was committed',
  }),
  lane: Lane,
  attempt: Type.Integer({ description: 'fence of the last attempt' }),
  tries: Type.Integer({ description: 'failed tries since the last success' }),
  due_at: Type.Union([Instant, Type.Null()]),
  waiting: Type.Optional(Type.String()),
  records: Type.Integer(),
  bytes: Type.Integer(),
  pages: Type.Integer(),
  rejects: Type.Integer(),
  error: Type.Union([Failure, Type.Null()]),
  run_id: Type.Union([IdOf('run'), Type.Null()]),
  started_at: Type.Union([Instant, Type.Null()]),
  finished_at: Type.Union([Instant, Type.Null()]),
})
export type Range = Static<typeof Range>

/**
 * One letter a range in `GET /streams/{id}/calendar`:
 * p pending · r running · c complete and sealed · o complete, still open · f failed ·
 * w failed, waiting for its next try · x complete, but the last refresh failed
 */
export const calendarLetters = ['p', 'r', 'c', 'o', 'f', 'w', 'x'] as const
export type CalendarLetter = (typeof calendarLetters)[number]

export const Calendar = Type.Object({
  stream_id: IdOf('str'),
  granularity: Type.Union([Type.Literal('day'), Type.Literal('hour'), Type.Literal('full')]),
  timezone: Type.String(),
  starts: Type.Array(Type.Integer(), {
    description: 'first range start, then the gaps to each next start, in seconds',
  }),
  letters: Type.String({ description: 'one letter a range, oldest first' }),
  first_range_id: Type.Union([IdOf('rng'), Type.Null()]),
  ids: Type.Array(Type.Integer(), {
    description: 'first row id, then the differences to each next one',
  }),
})
export type Calendar = Static<typeof Calendar>
