import Type, { type Static } from 'typebox'
import { closed, duration, path, regex } from './kind.ts'

/**
 * A budget of the account, shared by all streams of a source. The first `match` that fits a request's path
 * decides: every limit with that same `match` applies to it, limits without one apply when none fits.
 */
export const Limit = Type.Object(
  {
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 40, description: 'for people: burst, daily, …' }),
    ),
    match: Type.Optional(regex({ description: 'found anywhere in the path below base_url' })),
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

/**
 * Limits that count the same requests: those of one stream, or of the connector (null), with one `match`. The name is the same
 * in every thread.
 */
export const limitGroup = (stream: string | null, match: string | undefined): string =>
  JSON.stringify([stream, match ?? null])

/** For people, after `shop's`: `burst limit`, `limit of 150 requests a minute`. */
export function limitTitle({ name, requests, per_ms: perMs, concurrency }: Limit): string {
  if (name !== undefined) return `${name} limit`
  if (requests !== undefined && perMs !== undefined)
    return `limit of ${requests} ${requests === 1 ? 'request' : 'requests'} ${timeTitle(perMs)}`
  if (concurrency !== undefined) return `limit of ${concurrency} requests at once`
  return 'rate limit'
}

function timeTitle(ms: number): string {
  const units = [
    [86_400_000, 'day', 'a'],
    [3_600_000, 'hour', 'an'],
    [60_000, 'minute', 'a'],
    [1_000, 'second', 'a'],
  ] as const
  for (const [length, name, article] of units) {
    if (ms === length) return `${article} ${name}`
    if (ms % length === 0) return `in ${ms / length} ${name}s`
  }
  return `in ${ms / 1_000} seconds`
}
