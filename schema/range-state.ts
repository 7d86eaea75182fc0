/**
 * The only ways in which a range changes. Two axes: `status` says what is being done, `committedAt` and what
 * belongs to it say what the destination holds; failing or cancelling a re-read never touches the second axis.
 */
import type { Failure } from './error.ts'
import type { Receipt } from './protocol.ts'
import type { CalendarLetter, Lane, RangeKind, RangeStatus } from './range.ts'
import { decideRetry } from './retry.ts'
import { type FinalityRules, finality, unchangedAfter } from './revisit.ts'
import type { Retry } from './stream.ts'

export interface RangeState {
  kind: RangeKind
  start: number
  end: number
  status: RangeStatus
  lane: Lane
  /** not before; 0 means at once */
  dueAt: number
  /** counted tries since the last success */
  failures: number
  /** workers that died while they held this range */
  crashes: number
  /** of the last attempt */
  fence: number
  runId: string | null
  committedAt: number | null
  committedFence: number | null
  fetchedFrom: number | null
  /** final: it is not read again by itself */
  sealed: boolean
  /** reads in a row, a step of age apart, that found nothing changed */
  unchanged: number
  /** its next read is believed although it has far fewer records than what it replaces */
  force: boolean
  error: Failure | null
}

/** A range that kills a worker while it runs alone is at fault. */
export const crashesBeforeBlame = 2

export type RangeChange =
  | { kind: 'claim'; fence: number; runId: string }
  /** the destination issued this attempt's real fence */
  | { kind: 'fence'; fence: number }
  | {
      kind: 'complete'
      receipt: Receipt
      rules: FinalityRules
      /** the read found other records than the one before it */
      hasChanged: boolean
      recovered: boolean
    }
  | { kind: 'fail'; failure: Failure; retry: Retry; now: number; random: number }
  /** cancel, stop, paused source: not counted */
  | { kind: 'release' }
  /** the worker died under it */
  | { kind: 'crash'; failure: Failure }
  /** found running after an unclean end of the process: due at once, not counted */
  | { kind: 'interrupt'; failure: Failure }
  /** failed → pending: due, final pass, or asked for */
  | { kind: 'retry'; resetFailures: boolean; force?: boolean }
  /** complete → pending: open, look-back, resync, reset */
  | { kind: 'reopen'; lane: Lane; force?: boolean }

export class IllegalTransition extends Error {
  constructor(from: RangeStatus, change: RangeChange['kind']) {
    super(`a range that is ${from} can't ${change}`)
    this.name = 'IllegalTransition'
  }
}

type Step<K extends RangeChange['kind']> = {
  from: readonly RangeStatus[]
  apply: (state: RangeState, change: Extract<RangeChange, { kind: K }>) => Partial<RangeState>
}

const steps: { [K in RangeChange['kind']]: Step<K> } = {
  claim: {
    from: ['pending'],
    apply: (_state, { fence, runId }) => ({ status: 'running', fence, runId }),
  },
  fence: {
    from: ['running'],
    apply: (state, { fence }) => ({ fence: Math.max(state.fence, fence) }),
  },
  complete: { from: ['running'], apply: completed },
  fail: { from: ['running'], apply: failed },
  release: { from: ['running'], apply: () => ({ status: 'pending', dueAt: 0 }) },
  crash: {
    from: ['running'],
    apply: (state, { failure }) =>
      state.crashes + 1 >= crashesBeforeBlame
        ? {
            status: 'failed',
            crashes: state.crashes + 1,
            failures: state.failures + 1,
            error: failure,
            dueAt: never,
          }
        : { status: 'pending', crashes: state.crashes + 1, error: failure, dueAt: 0 },
  },
  interrupt: {
    from: ['running'],
    apply: (_state, { failure }) => ({ status: 'failed', error: failure, dueAt: 0 }),
  },
  retry: {
    from: ['failed'],
    apply: (state, { resetFailures, force }) => ({
      status: 'pending',
      dueAt: 0,
      force: force ?? state.force,
      failures: resetFailures ? 0 : state.failures,
      crashes: resetFailures ? 0 : state.crashes,
    }),
  },
  reopen: {
    from: ['complete'],
    apply: (_state, { lane, force = false }) => ({
      status: 'pending',
      lane,
      dueAt: 0,
      failures: 0,
      force,
    }),
  },
}

/** A failed range with this due time waits for a person. */
export const never = Number.MAX_SAFE_INTEGER

function completed(
  state: RangeState,
  { receipt, rules, hasChanged, recovered }: Extract<RangeChange, { kind: 'complete' }>,
): Partial<RangeState> {
  // An attempt may only complete with the fence that it was issued; a recovered one reports its predecessor's.
  if (!recovered && receipt.fence !== state.fence)
    throw new IllegalTransition(state.status, 'complete')
  const { fetchedFrom } = receipt
  const unchanged = unchangedAfter(state, fetchedFrom, hasChanged, rules)
  return {
    status: 'complete',
    failures: 0,
    crashes: 0,
    dueAt: 0,
    error: null,
    committedAt: receipt.committedAt,
    committedFence: receipt.fence,
    fetchedFrom,
    unchanged,
    force: false,
    sealed:
      state.kind === 'full' || finality(state.end, { fetchedFrom, unchanged }, rules) === 'final',
  }
}

function failed(
  state: RangeState,
  change: Extract<RangeChange, { kind: 'fail' }>,
): Partial<RangeState> {
  const decision = decideRetry(change.failure, state.failures, change.retry, change.random)
  switch (decision.next) {
    case 'wait':
      return { status: 'failed', error: change.failure, dueAt: change.now + decision.delayMs }
    case 'retry':
      return {
        status: 'failed',
        error: change.failure,
        failures: state.failures + 1,
        dueAt: change.now + decision.delayMs,
      }
    case 'give-up':
      return { status: 'failed', error: change.failure, failures: state.failures + 1, dueAt: never }
  }
}

/** The state after a change. Throws IllegalTransition for any change not in the table above. */
export function applyChange(state: RangeState, change: RangeChange): RangeState {
  const step = steps[change.kind] as Step<RangeChange['kind']>
  if (!step.from.includes(state.status)) throw new IllegalTransition(state.status, change.kind)
  return { ...state, ...step.apply(state, change as never) }
}

/**
 * What people see as the range's status: committed data is never hidden behind a refresh that waits or failed.
 */
export function shownStatus(state: Pick<RangeState, 'status' | 'committedAt'>): RangeStatus {
  if (state.committedAt === null || state.status === 'running') return state.status
  return 'complete'
}

/** The range's letter in the calendar; see `calendarLetters`. */
export function calendarLetter(
  state: Pick<RangeState, 'status' | 'committedAt' | 'sealed' | 'dueAt'>,
): CalendarLetter {
  if (state.status === 'running') return 'r'
  if (state.committedAt !== null) {
    if (state.status === 'failed') return 'x'
    return state.sealed ? 'c' : 'o'
  }
  if (state.status === 'failed') return state.dueAt === never ? 'f' : 'w'
  return 'p'
}
