import Type, { type Static } from 'typebox'
import { closed, duration, path } from './kind.ts'
import { RequestSpec, requestKeys } from './request.ts'

const statuses = (more: object = {}) =>
  Type.Array(Type.Union([Type.String({ maxLength: 200 }), Type.Number(), Type.Boolean()]), {
    maxItems: 50,
    ...more,
  })

/** A report that the API prepares: create it, ask until it is done, fetch it. */
export const Job = Type.Object(
  {
    create: RequestSpec,
    take: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,62}$' }), path(), {
      default: {},
      description: 'from the answers of create and poll; `job.<name>` in the later requests',
    }),
    poll: Type.Object(
      {
        ...requestKeys,
        every_ms: duration({ default: 10_000, minimum: 100 }),
        timeout_ms: duration({ default: 3_600_000, minimum: 1_000 }),
        status_at: path({ minLength: 1 }),
        done: statuses({ minItems: 1 }),
        failed: statuses({ default: [] }),
        empty: statuses({ default: [] }),
      },
      closed,
    ),
    fetch: RequestSpec,
    cancel: Type.Optional(RequestSpec),
    max_running: Type.Integer({ minimum: 1, maximum: 100, default: 1 }),
  },
  closed,
)
export type Job = Static<typeof Job>
