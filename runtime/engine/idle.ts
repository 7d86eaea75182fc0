/** What a run does when nothing is in flight and nothing can be picked: pure. */
import type { Failure } from '../../schema/error.ts'
import { never } from '../../schema/range-state.ts'
import type { RunStatus } from '../../schema/run.ts'

/** A run waits this long for failed ranges to come due; longer waits are left to a later run. */
export const finalPassWaitMs = 30_000

export type IdleDecision =
  /** the final pass: these failed ranges are due */
  { next: 'retry'; rangeIds: number[] } | { next: 'wait'; untilMs: number } | { next: 'end' }

export function decideIdle(failed: { id: number; dueAt: number }[], now: number): IdleDecision {
  const waiting = failed.filter((range) => range.dueAt !== never)
  const due = waiting.filter((range) => range.dueAt <= now)
  if (due.length > 0) return { next: 'retry', rangeIds: due.map((range) => range.id) }
  const soonest = Math.min(...waiting.map((range) => range.dueAt))
  if (soonest - now <= finalPassWaitMs) return { next: 'wait', untilMs: soonest }
  return { next: 'end' }
}

/** How a run that came to its end is called. */
export function endStatus(complete: number, failed: number, stopped: Failure | null): RunStatus {
  if (stopped === null && failed === 0) return 'complete'
  return complete > 0 ? 'partial' : 'failed'
}
