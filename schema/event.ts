import Type, { type Static } from 'typebox'
import type { Notification } from './notification.ts'
import type { Range } from './range.ts'
import type { Run } from './run.ts'
import type { Stream } from './stream.ts'

/** Topics of `GET /api/v1/events`; `resync` says that events were missed and state should be read anew. */
export const eventTopics = [
  'run',
  'range',
  'stream',
  'progress',
  'scheduler',
  'notification',
  'activity',
  'resync',
] as const
export type EventTopic = (typeof eventTopics)[number]

/** Speed of one run over the last second or so, and what is in flight; never stored, at most four a second a run. */
export interface Progress {
  run_id: string
  stream_id: string
  records: number
  bytes: number
  pages: number
  records_per_second: number
  bytes_per_second: number
  ranges_done: number
  ranges_total: number
  in_flight: number
  waiting?: string
}

export interface SchedulerState {
  global: { limit: number; in_use: number }
  queued: number
  last_tick_at: string | null
}

/** Who did what, for people: one line a thing that happened. */
export const Activity = Type.Object({
  id: Type.Integer(),
  at: Type.String({ format: 'date-time' }),
  level: Type.Union([Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')]),
  kind: Type.String({ description: 'stable, e.g. range.failed' }),
  message: Type.String(),
  stream_id: Type.Union([Type.String(), Type.Null()]),
  run_id: Type.Union([Type.String(), Type.Null()]),
  range_id: Type.Union([Type.String(), Type.Null()]),
  data: Type.Record(Type.String(), Type.Unknown()),
})
export type Activity = Static<typeof Activity>

export type ServerEvent =
  | { topic: 'run'; data: Run }
  | { topic: 'range'; data: Range }
  | { topic: 'stream'; data: Stream }
  | { topic: 'progress'; data: Progress }
  | { topic: 'scheduler'; data: SchedulerState }
  | { topic: 'notification'; data: Notification }
  | { topic: 'activity'; data: Activity }
  | { topic: 'resync'; data: Record<string, never> }
