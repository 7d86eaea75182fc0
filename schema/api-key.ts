import Type, { type Static } from 'typebox'
import { Instant, Name } from './common.ts'
import { IdOf } from './id-schema.ts'

export const roles = ['admin', 'operator', 'viewer'] as const
export type Role = (typeof roles)[number]
export const Role = Type.Enum(roles)

export const ApiKey = Type.Object({
  id: IdOf('key'),
  name: Name,
  role: Role,
  workspace_id: Type.Union([IdOf('ws'), Type.Null()]),
  hint: Type.String({ description: 'last four characters' }),
  created_at: Instant,
  last_used_at: Type.Union([Instant, Type.Null()]),
})
export type ApiKey = Static<typeof ApiKey>

export const ApiKeyCreate = Type.Object(
  {
    name: Name,
    role: Type.Optional(Role),
    workspace_id: Type.Optional(Type.Union([IdOf('ws'), Type.Null()])),
  },
  { additionalProperties: false },
)
export type ApiKeyCreate = Static<typeof ApiKeyCreate>
