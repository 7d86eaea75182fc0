/** A token bucket per key, in real time: a standing shop clock must not stop it from filling up. */
export interface RateLimit {
  /** tokens that come back in `perMs` */
  requests: number
  perMs: number
  /** size of the bucket; `requests` unless told */
  burst?: number
  /** how a 429 says when to come back */
  retryAfter?: 'seconds' | 'date' | 'none'
}

export interface Allowance {
  allowed: boolean
  headers: Record<string, string>
}

/** Keys that are remembered; an unknown key beyond these starts the table afresh. */
const maxKeys = 1000

export type RateLimiter = (key: string, nowMs: number) => Allowance

/** Takes one token a call. Reset is in epoch seconds, as most APIs send it. */
export function createRateLimiter(limit: RateLimit): RateLimiter {
  const burst = limit.burst ?? limit.requests
  const perMs = limit.requests / limit.perMs
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  return (key, nowMs) => {
    if (buckets.size >= maxKeys && !buckets.has(key)) buckets.clear()
    const bucket = buckets.get(key) ?? { tokens: burst, atMs: nowMs }
    bucket.tokens = Math.min(burst, bucket.tokens + Math.max(0, nowMs - bucket.atMs) * perMs)
    bucket.atMs = nowMs
    const allowed = bucket.tokens >= 1
    if (allowed) bucket.tokens -= 1
    buckets.set(key, bucket)
    const waitMs = allowed ? 0 : (1 - bucket.tokens) / perMs
    const headers: Record<string, string> = {
      'x-ratelimit-limit': String(burst),
      'x-ratelimit-remaining': String(Math.floor(bucket.tokens)),
      'x-ratelimit-reset': String(Math.ceil((nowMs + waitMs) / 1000)),
    }
    const style = limit.retryAfter ?? 'seconds'
    if (!allowed && style === 'seconds') headers['retry-after'] = String(Math.ceil(waitMs / 1000))
    if (!allowed && style === 'date') {
      // a date has whole seconds: rounded up, or the caller would be early
      headers['retry-after'] = new Date(Math.ceil((nowMs + waitMs) / 1000) * 1000).toUTCString()
    }
    return { allowed, headers }
  }
}
