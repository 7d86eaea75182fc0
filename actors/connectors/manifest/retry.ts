import type { RequestRetry } from '../../../schema/manifest/error-rule.ts'

/** A wait before the next try of a request. */
export interface Wait {
  ms: number
  /** the other side named the time; else it is our own back-off */
  asked: boolean
}

const resetHeaders = [
  'ratelimit-reset',
  'x-ratelimit-reset',
  'x-rate-limit-reset',
  'x-ratelimit-reset-after',
]

/**
 * How long to wait after try number `tries` (1 = the first) failed. What the answer's headers ask for comes first; else the
 * manifest's constant wait, or a back-off that doubles, with full jitter, up to `max_wait_ms`.
 */
export function waitAfter(
  tries: number,
  retry: RequestRetry,
  headers: Record<string, string> | null,
  clock: { now: number; random: number },
): Wait {
  const asked = headers ? askedWait(headers, retry, clock.now) : null
  // A wait of nothing would spend all tries in an instant: then our own back-off applies.
  if (asked !== null && asked > 0) return { ms: asked, asked: true }
  if (retry.wait_ms !== undefined) return { ms: retry.wait_ms, asked: false }
  const ceiling = Math.min(retry.max_wait_ms, retry.base_ms * 2 ** (tries - 1))
  return { ms: Math.ceil(retry.jitter ? ceiling * clock.random : ceiling), asked: false }
}

/** The wait that headers ask for in ms; null when none does, or none that makes sense. */
export function askedWait(
  headers: Record<string, string>,
  retry: Pick<RequestRetry, 'wait_header' | 'until_header'>,
  now: number,
): number | null {
  const own = [retry.wait_header, retry.until_header]
  for (const name of [...own, 'retry-after', ...resetHeaders]) {
    const wait = name === undefined ? null : waitOf(headers[name.toLowerCase()], now)
    if (wait !== null) return wait
  }
  return rateLimitWait(headers.ratelimit)
}

/** Nothing asks for longer than this in earnest; above it a number is a moment, not a span. */
const longestSpanSeconds = 366 * 86_400
const latestSeconds = 1e11

/**
 * ms from now of a header value: seconds, an HTTP or RFC 3339 date, or an epoch in seconds or ms, which are told apart by their size. Moments
 * that are past are 0. Null for what is none of these.
 */
export function waitOf(value: string | undefined, now: number): number | null {
  const text = value?.trim()
  if (!text) return null
  if (/^\d{1,15}(\.\d{1,9})?$/.test(text)) {
    const number = Number(text)
    if (number <= longestSpanSeconds) return Math.ceil(number * 1_000)
    const moment = number < latestSeconds ? number * 1_000 : number
    return Math.max(0, Math.ceil(moment - now))
  }
  // Date.parse takes almost anything; only the two forms that headers have are tried.
  if (!/^([A-Za-z]{3,9},? |\d{4}-\d{2}-\d{2}T)/.test(text) || text.length > 64) return null
  const moment = Date.parse(text)
  return Number.isNaN(moment) ? null : Math.max(0, moment - now)
}

/** `RateLimit: "default";r=0;t=30` and the older `limit=10, remaining=0, reset=30`. */
function rateLimitWait(header: string | undefined): number | null {
  const match = /(?:^|[;,\s])(?:t|reset)=(\d{1,9})(?:$|[;,\s])/.exec(header ?? '')
  return match ? Number(match[1]) * 1_000 : null
}
