import Type, { type Static } from 'typebox'
import { Instant, Name, StartDate, Zone } from './common.ts'
import { Failure } from './failure.ts'
import { IdOf } from './id-schema.ts'

/** Limits that a user sets on a source beyond its manifest's. */
export const SourceLimits = Type.Object(
  {
    max_in_flight: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
    reserve: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 0.95,
        description: "share of the API's rate limits that is left to the account's other users",
      }),
    ),
  },
  { additionalProperties: false },
)

export const SourceState = Type.Union([Type.Literal('active'), Type.Literal('paused')])

export const Source = Type.Object({
  id: IdOf('src'),
  workspace_id: IdOf('ws'),
  name: Name,
  connector: Type.String(),
  config: Type.Record(Type.String(), Type.Unknown(), {
    description: 'secrets read back as {set, hint}',
  }),
  start_date: Type.Union([StartDate, Type.Null()]),
  timezone: Zone,
  limits: SourceLimits,
  state: SourceState,
  state_reason: Type.Union([Failure, Type.Null()]),
  created_at: Instant,
  updated_at: Instant,
})
export type Source = Static<typeof Source>

export const SourceCreate = Type.Object(
  {
    workspace_id: Type.Optional(IdOf('ws')),
    name: Name,
    connector: Type.String({ minLength: 1, maxLength: 64 }),
    config: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    start_date: Type.Optional(Type.Union([StartDate, Type.Null()])),
    timezone: Type.Optional(Zone),
    limits: Type.Optional(SourceLimits),
  },
  { additionalProperties: false },
)
export type SourceCreate = Static<typeof SourceCreate>

export const SourcePatch = Type.Object(
  {
    name: Type.Optional(Name),
    config: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    start_date: Type.Optional(Type.Union([StartDate, Type.Null()])),
    timezone: Type.Optional(Zone),
    limits: Type.Optional(SourceLimits),
    state: Type.Optional(SourceState),
  },
  { additionalProperties: false },
)
export type SourcePatch = Static<typeof SourcePatch>
