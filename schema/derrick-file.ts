import Type, { type Static } from 'typebox'
import { Name } from './common.ts'
import { ConnectionCreate } from './connection.ts'
import { DestinationCreate } from './destination.ts'
import { SettingsPatch } from './settings.ts'
import { SourceCreate } from './source.ts'
import { StreamPatch } from './stream.ts'

const closed = { additionalProperties: false } as const
const named = <T extends Parameters<typeof Type.Record>[1]>(thing: T) =>
  Type.Record(Type.String({ minLength: 1, maxLength: 128 }), thing, { maxProperties: 10_000 })

export const FileSource = Type.Object(
  {
    connector: SourceCreate.properties.connector,
    config: SourceCreate.properties.config,
    start_date: SourceCreate.properties.start_date,
    timezone: SourceCreate.properties.timezone,
    limits: SourceCreate.properties.limits,
  },
  closed,
)
export const FileDestination = Type.Object(
  { type: DestinationCreate.properties.type, config: DestinationCreate.properties.config },
  closed,
)
export const FileStream = Type.Union([
  Name,
  Type.Object({ name: Name, ...StreamPatch.properties }, closed),
])
export const FileConnection = Type.Object(
  {
    source: Name,
    destination: Name,
    namespace: ConnectionCreate.properties.namespace,
    stream_prefix: ConnectionCreate.properties.stream_prefix,
    defaults: Type.Optional(StreamPatch),
    streams: Type.Union([Type.Literal('all'), Type.Array(FileStream, { maxItems: 1_000 })], {
      description: 'all, or a list of names and of {name, …}',
    }),
  },
  closed,
)

/** `derrick.yaml`: what a workspace is to hold, by name. */
export const DerrickFile = Type.Object(
  {
    sources: Type.Optional(named(FileSource)),
    destinations: Type.Optional(named(FileDestination)),
    connections: Type.Optional(named(FileConnection)),
    settings: Type.Optional(SettingsPatch),
  },
  closed,
)
export type DerrickFile = Static<typeof DerrickFile>
export type FileConnection = Static<typeof FileConnection>

/** One thing that is, or would be, different. */
export const AppliedChange = Type.Object({
  action: Type.Enum(['create', 'update', 'delete', 'unchanged']),
  kind: Type.Enum(['source', 'destination', 'connection', 'stream', 'settings']),
  name: Type.String({ description: 'of a stream: connection/stream' }),
  fields: Type.Array(Type.String(), { description: 'that change; never their values' }),
})
export type AppliedChange = Static<typeof AppliedChange>
export const ApplyResult = Type.Object({
  dry_run: Type.Boolean(),
  changes: Type.Array(AppliedChange),
})
export type ApplyResult = Static<typeof ApplyResult>
