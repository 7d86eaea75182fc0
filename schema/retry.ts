import type { Failure } from './error.ts'
import type { Retry } from './stream.ts'

/** The concept's ceiling for our own back-off. */
export const backoffCeilingMs = 300_000
/** The longest wait that an API may ask of a source. */
export const longestAskedWaitMs = 86_400_000
/** Waits that an API asks for count no tries: shorter ones would be a tight loop. */
export const shortestAskedWaitMs = 1_000

/**
 * Full-jitter exponential back-off before try number `failures + 1`.
 * @param failures counted failures so far, at least 1
 * @param random in [0, 1)
 */
export function backoffMs(retry: Retry, failures: number, random: number): number {
  const exponent = Math.min(Math.max(failures, 1) - 1, 30)
  const ceiling = Math.min(retry.backoff_seconds * 1000 * 2 ** exponent, backoffCeilingMs)
  return Math.round(ceiling * (0.5 + random / 2))
}

/** What becomes of a range after a failed try. */
export type RetryDecision =
  /** the API named a time: wait for it without counting a try */
  { next: 'wait'; delayMs: number } | { next: 'retry'; delayMs: number } | { next: 'give-up' }

/** @param failures counted failures before this one */
export function decideRetry(
  failed: Failure,
  failures: number,
  retry: Retry,
  random: number,
): RetryDecision {
  if (failed.category === 'rate_limit' && failed.retry_after_ms !== undefined) {
    const asked = Math.max(failed.retry_after_ms, shortestAskedWaitMs)
    return { next: 'wait', delayMs: Math.min(asked, longestAskedWaitMs) }
  }
  if (!failed.retryable || failures + 1 >= retry.max_attempts) return { next: 'give-up' }
  return { next: 'retry', delayMs: backoffMs(retry, failures + 1, random) }
}
