import Type, { type Static } from 'typebox'
import { Instant, Name } from './common.ts'
import { IdOf } from './id-schema.ts'

const Namespace = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000-\\u001f/\\\\]+$',
})
const StreamPrefix = Type.String({ maxLength: 100, pattern: '^[^\\u0000-\\u001f/\\\\]*$' })

export const Connection = Type.Object({
  id: IdOf('con'),
  workspace_id: IdOf('ws'),
  name: Name,
  source_id: IdOf('src'),
  destination_id: IdOf('dst'),
  namespace: Namespace,
  stream_prefix: StreamPrefix,
  created_at: Instant,
  updated_at: Instant,
})
export type Connection = Static<typeof Connection>

export const ConnectionCreate = Type.Object(
  {
    workspace_id: Type.Optional(IdOf('ws')),
    name: Name,
    source_id: IdOf('src'),
    destination_id: IdOf('dst'),
    namespace: Type.Optional(Namespace),
    stream_prefix: Type.Optional(StreamPrefix),
  },
  { additionalProperties: false },
)
export type ConnectionCreate = Static<typeof ConnectionCreate>

export const ConnectionPatch = Type.Object(
  {
    name: Type.Optional(Name),
    namespace: Type.Optional(Namespace),
    stream_prefix: Type.Optional(StreamPrefix),
  },
  { additionalProperties: false },
)
export type ConnectionPatch = Static<typeof ConnectionPatch>
