import Type, { type Static } from 'typebox'
import { ColumnType } from './column-type.ts'
import { Duration, Instant, Name, StartDate, Zone } from './common.ts'
import { IdOf } from './id-schema.ts'
import { untilUnchangedWord } from './revisit.ts'

export const SyncStrategy = Type.Union([Type.Literal('oldest_first'), Type.Literal('newest_first')])
export type SyncStrategy = Static<typeof SyncStrategy>
export const Granularity = Type.Union([Type.Literal('day'), Type.Literal('hour')])
export type Granularity = Static<typeof Granularity>
export const WriteMode = Type.Union([
  Type.Literal('upsert'),
  Type.Literal('append'),
  Type.Literal('replace'),
])
export type WriteMode = Static<typeof WriteMode>
export const DeletePolicy = Type.Union([
  Type.Literal('keep'),
  Type.Literal('soft'),
  Type.Literal('hard'),
])
export type DeletePolicy = Static<typeof DeletePolicy>

/** What somebody wants of single columns, by field. */
export const StreamColumns = Type.Record(
  Type.String({ minLength: 1, maxLength: 500 }),
  Type.Object({ type: ColumnType }, { additionalProperties: false }),
  {
    maxProperties: 500,
    description:
      'types by top-level field, for destinations that have types; what does not fit lands as text in name__text',
  },
)
export type StreamColumns = Static<typeof StreamColumns>

/** Tries of a range over time; requests inside one try are retried by the manifest's own rule. */
export const Retry = Type.Object(
  {
    max_attempts: Type.Integer({ minimum: 1, maximum: 100, default: 5 }),
    backoff_seconds: Type.Number({ minimum: 0.1, maximum: 300, default: 2 }),
  },
  { additionalProperties: false },
)
export type Retry = Static<typeof Retry>

/** How long closed ranges are read again, at growing ages. */
export const Lookback = Type.Union([Duration, Type.Literal(untilUnchangedWord)], {
  description: 'an age such as 3d, 0 for never, or until_unchanged; null: as the connector advises',
})

/** Fields that a user may set on a stream; create and patch share them. */
const settable = {
  source_stream: Type.Optional(Name),
  primary_key: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 500 }), { maxItems: 16 }),
  ),
  sync_strategy: Type.Optional(SyncStrategy),
  sync_granularity: Type.Optional(Granularity),
  start_date: Type.Optional(Type.Union([StartDate, Type.Null()])),
  schedule: Type.Optional(
    Type.Union([Type.String({ minLength: 1, maxLength: 128, description: 'cron' }), Type.Null()]),
  ),
  schedule_timezone: Type.Optional(Zone),
  settle: Type.Optional(Type.Union([Duration, Type.Null()])),
  lookback: Type.Optional(Type.Union([Lookback, Type.Null()])),
  retry: Type.Optional(Type.Partial(Retry, { additionalProperties: false })),
  parallel_ranges: Type.Optional(
    Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum: 256 })]),
  ),
  max_run_minutes: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: 525_600 }), Type.Null()], {
      description: 'a run that takes longer is ended; its ranges go on with the next one',
    }),
  ),
  write_mode: Type.Optional(WriteMode),
  deletes: Type.Optional(DeletePolicy),
  columns: Type.Optional(StreamColumns),
  enabled: Type.Optional(Type.Boolean()),
}

export const Stream = Type.Object({
  id: IdOf('str'),
  workspace_id: IdOf('ws'),
  connection_id: IdOf('con'),
  name: Name,
  source_stream: Name,
  path: Type.Union([Type.String(), Type.Null()], {
    description: "the request path in the connector's manifest",
  }),
  window: Type.Boolean({ description: 'its time is read range by range; false: it is read whole' }),
  primary_key: Type.Array(Type.String()),
  sync_strategy: SyncStrategy,
  sync_granularity: Granularity,
  start_date: Type.Union([StartDate, Type.Null()]),
  schedule: Type.Union([Type.String(), Type.Null()]),
  schedule_timezone: Zone,
  settle: Type.Union([Duration, Type.Null()]),
  lookback: Type.Union([Lookback, Type.Null()]),
  retry: Retry,
  parallel_ranges: Type.Union([Type.Literal('auto'), Type.Integer()]),
  max_run_minutes: Type.Union([Type.Integer(), Type.Null()]),
  write_mode: WriteMode,
  deletes: DeletePolicy,
  columns: StreamColumns,
  enabled: Type.Boolean(),
  ranges: Type.Object({
    pending: Type.Integer(),
    running: Type.Integer(),
    complete: Type.Integer(),
    failed: Type.Integer(),
    total: Type.Integer(),
  }),
  records: Type.Integer(),
  active_run_id: Type.Union([IdOf('run'), Type.Null()]),
  next_run_at: Type.Union([Instant, Type.Null()], {
    description: 'when its schedule fires next; null without one, and while the stream is disabled',
  }),
  created_at: Instant,
  updated_at: Instant,
})
export type Stream = Static<typeof Stream>

export const StreamCreate = Type.Object(
  { connection_id: IdOf('con'), name: Name, ...settable },
  { additionalProperties: false },
)
export type StreamCreate = Static<typeof StreamCreate>
export const StreamPatch = Type.Object(settable, { additionalProperties: false })
export type StreamPatch = Static<typeof StreamPatch>
