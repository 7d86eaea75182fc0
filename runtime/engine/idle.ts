/** What a run does when nothing is in flight and nothing can be picked: pure. */
import type { Failure } from '../../schema/error.ts'
import type { RunStatus } from '../../schema/run.ts'

/** A run waits this long for failed ranges to come due; longer waits are left to a later run. */
export const finalPassWaitMs = 30_000

export type IdleDecision =
  /** the final pass: failed ranges are due */
  { next: 'retry' } | { next: 'wait'; untilMs: number } | { next: 'end' }

/** @param nextDue when the first of the failed ranges comes due by itself; null when none ever does */
export function decideIdle(nextDue: number | null, now: number): IdleDecision {
  if (nextDue === null || nextDue - now > finalPassWaitMs) return { next: 'end' }
  return nextDue <= now ? { next: 'retry' } : { next: 'wait', untilMs: nextDue }
}

/** How a run that came to its end is called. */
export function endStatus(complete: number, failed: number, stopped: Failure | null): RunStatus {
  if (stopped === null && failed === 0) return 'complete'
  return complete > 0 ? 'partial' : 'failed'
}
