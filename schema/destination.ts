import Type, { type Static } from 'typebox'
import { Instant, Name } from './common.ts'
import { IdOf } from './id-schema.ts'

/** Which destinations this build can write. Each has a config schema below and a writer in actors/destinations. */
export const destinationTypes = ['local_file', 'postgres'] as const
export type DestinationType = (typeof destinationTypes)[number]
export const DestinationType = Type.Enum(destinationTypes)

/** What a destination can do beyond taking whole ranges. */
export interface DestinationAbilities {
  /** merges records into a range that is there: files are only ever replaced as a whole */
  merge: boolean
}
export const destinationAbilities: Record<DestinationType, DestinationAbilities> = {
  local_file: { merge: false },
  postgres: { merge: true },
}

export const LocalFileConfig = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      maxLength: 4096,
      description: 'folder; absolute, made when missing',
    }),
    partition: Type.Optional(
      Type.Union([Type.Literal('none'), Type.Literal('day'), Type.Literal('hour')], {
        default: 'day',
        description: 'dt=YYYY-MM-DD[/hour=HH] folders by the local date of the range',
      }),
    ),
    target_file_mb: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_536, default: 1024 })),
  },
  { additionalProperties: false },
)
export type LocalFileConfig = Static<typeof LocalFileConfig>

export const PostgresConfig = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      maxLength: 4096,
      'x-secret': true,
      description: 'postgres://user:password@host:5432/database',
    }),
    ssl: Type.Optional(
      Type.Union(
        [
          Type.Literal('disable'),
          Type.Literal('prefer'),
          Type.Literal('require'),
          Type.Literal('verify'),
        ],
        { default: 'prefer' },
      ),
    ),
    ssl_ca: Type.Optional(
      Type.String({
        maxLength: 65_536,
        description: 'PEM of the certificate authority, for verify',
      }),
    ),
    commit_slots: Type.Optional(Type.Integer({ minimum: 1, maximum: 64, default: 4 })),
  },
  { additionalProperties: false },
)
export type PostgresConfig = Static<typeof PostgresConfig>

/** Config schema by type; fields marked `x-secret` are encrypted and never read back. */
export const destinationConfigs = { local_file: LocalFileConfig, postgres: PostgresConfig } as const

/** Commit slots a destination has when its config does not say. */
export const defaultCommitSlots = 4

export const Destination = Type.Object({
  id: IdOf('dst'),
  workspace_id: IdOf('ws'),
  name: Name,
  type: DestinationType,
  config: Type.Record(Type.String(), Type.Unknown()),
  created_at: Instant,
  updated_at: Instant,
})
export type Destination = Static<typeof Destination>

export const DestinationCreate = Type.Object(
  {
    workspace_id: Type.Optional(IdOf('ws')),
    name: Name,
    type: DestinationType,
    config: Type.Record(Type.String(), Type.Unknown()),
  },
  { additionalProperties: false },
)
export type DestinationCreate = Static<typeof DestinationCreate>

export const DestinationPatch = Type.Object(
  { name: Type.Optional(Name), config: Type.Optional(Type.Record(Type.String(), Type.Unknown())) },
  { additionalProperties: false },
)
export type DestinationPatch = Static<typeof DestinationPatch>

/** One step of a check: what was tried, how long it took, what to do when it failed. */
export const CheckStep = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  ms: Type.Number(),
  message: Type.Optional(Type.String()),
  remedy: Type.Optional(Type.String()),
})
export type CheckStep = Static<typeof CheckStep>
export const CheckResult = Type.Object({ ok: Type.Boolean(), steps: Type.Array(CheckStep) })
export type CheckResult = Static<typeof CheckResult>
