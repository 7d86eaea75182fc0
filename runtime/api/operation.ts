import Type, { type TObject, type TProperties, type TSchema } from 'typebox'
import type { Role } from '../../schema/api-key.ts'
import type { IdPrefix } from '../../schema/id.ts'
import { IdOf } from '../../schema/id-schema.ts'
import { Problem } from './problem-schema.ts'

/** Every call may name the workspace it means. */
const workspaceQuery = {
  workspace_id: Type.Optional(
    Type.String({ minLength: 1, maxLength: 128, description: 'id or name of a workspace' }),
  ),
}
const closed = { additionalProperties: false } as const

export const query = <P extends TProperties>(properties: P) =>
  Type.Object({ ...workspaceQuery, ...properties }, closed)
export const NoQuery = query({})
export const NoBody = Type.Object(workspaceQuery, closed)

export const idParams = (prefix: IdPrefix) => Type.Object({ id: IdOf(prefix) })

/** Items of one page when the caller does not say, and at most. */
export const defaultLimit = 50
export const maxLimit = 200
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: maxLimit, default: defaultLimit })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
}

export const listOf = <T extends TSchema>(item: T) =>
  Type.Object({ data: Type.Array(item), next_cursor: Type.Union([Type.String(), Type.Null()]) })

interface Operation<P extends TObject, Q extends TObject, B extends TSchema> {
  /** operationId: names of commands and client methods come from it */
  id: string
  summary: string
  tag: string
  role: Role | 'public'
  params?: P
  query?: Q
  body?: B
  /** false for what only looks: its answer, which may hold people's records, is not kept for an Idempotency-Key */
  keepsAnswer?: false
  /** the answer when all goes well, by status */
  answer: Record<number, TSchema>
}

const problems = {
  400: Problem,
  401: Problem,
  403: Problem,
  404: Problem,
  409: Problem,
  412: Problem,
  415: Problem,
  421: Problem,
  422: Problem,
  429: Problem,
  500: Problem,
  503: Problem,
}

/** The options of a route: what it takes, what it answers, who may call it. */
export function operation<
  P extends TObject = TObject<Record<never, never>>,
  Q extends TObject = typeof NoQuery,
  B extends TSchema = TSchema,
>(of: Operation<P, Q, B>) {
  return {
    config: { role: of.role, keepsAnswer: of.keepsAnswer ?? true },
    schema: {
      operationId: of.id,
      summary: of.summary,
      tags: [of.tag],
      params: (of.params ?? Type.Object({})) as P,
      querystring: (of.query ?? NoQuery) as Q,
      ...(of.body ? { body: of.body } : {}),
      response: { ...problems, ...of.answer },
      ...(of.role === 'public' ? { security: [] } : {}),
    } as {
      operationId: string
      summary: string
      tags: string[]
      params: P
      querystring: Q
      body: B
    },
  }
}
