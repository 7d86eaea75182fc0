import Type, { type Static } from 'typebox'
import { closed, duration, path, regex } from './kind.ts'

/**
 * A budget of the account, shared by all streams of a source. The first `match` that fits a request's path
 * decides: every limit with that same `match` applies to it, limits without one apply when none fits.
 */
export const Limit = Type.Object(
  {
    match: Type.Optional(regex({ description: 'found anywhere in the request path' })),
    requests: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    per_ms: Type.Optional(duration({ minimum: 1, description: 'requests per this time' })),
    concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
    remaining_header: Type.Optional(
      Type.String({ maxLength: 128, description: 'requests left, or used/limit such as 32/40' }),
    ),
    limit_header: Type.Optional(Type.String({ maxLength: 128 })),
    reset_header: Type.Optional(Type.String({ maxLength: 128 })),
    slow_below: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'share left below which calls slow down',
      }),
    ),
    cost_at: Type.Optional(
      path({ description: '{maximumAvailable, currentlyAvailable, restoreRate} in the answer' }),
    ),
  },
  { ...closed, minProperties: 1 },
)
export type Limit = Static<typeof Limit>
export const Limits = Type.Array(Limit, { default: [], maxItems: 64 })
