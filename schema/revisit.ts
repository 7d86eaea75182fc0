/**
 * How long what was read of a range may still change: it is *open* until it was read after its end and the time that the
 * source needs to settle, *settling* while it is to be read again by age, and *final* from then on. Pure.
 */
import { durationMs } from './common.ts'

const hourMs = 3_600_000

/** Ages after a range's end at which it is read again, until its look-back is over. */
const stepsMs = [1, 6, 24, 72, 168, 336, 672].map((hours) => hours * hourMs)
/** What keeps changing is read again up to this age at least. */
export const longestStepMs = stepsMs.at(-1) as number
/** Reads in a row, a step of age apart each, that find nothing changed before a range is final. */
export const unchangedReads = 2

/** What a stream's `settle` and `lookback` mean. */
export interface FinalityRules {
  /** the newest data of a source is not complete until then */
  settleMs: number
  /** age after a range's end up to which it is read again; 0: never */
  lookbackMs: number
  /** ends the look-back early, once nothing changes any more */
  untilUnchanged: boolean
}

export type Finality = 'open' | 'settling' | 'final'

/** Of a range that was read last at `fetchedFrom`, `unchanged` times in a row without finding a change. */
export function finality(
  end: number,
  { fetchedFrom, unchanged }: { fetchedFrom: number; unchanged: number },
  { settleMs, lookbackMs, untilUnchanged }: FinalityRules,
): Finality {
  if (fetchedFrom < end + settleMs) return 'open'
  if (fetchedFrom >= end + lookbackMs) return 'final'
  return untilUnchanged && unchanged >= unchangedReads ? 'final' : 'settling'
}

/** True when a range that has closed should be read again now: at most once a step, however often it is asked. */
export function revisitDue(
  end: number,
  fetchedFrom: number,
  lookbackMs: number,
  now: number,
): boolean {
  if (lookbackMs <= 0) return false
  const steps = stepsMs.filter((step) => step < lookbackMs)
  steps.push(lookbackMs)
  return steps.some((step) => fetchedFrom < end + step && end + step <= now)
}

/** What the ledger knows of a range's reads. */
export interface ReadBefore {
  end: number
  /** of the last committed read; null before the first */
  fetchedFrom: number | null
  unchanged: number
}

/**
 * Reads in a row without a change, after one more that began at `fetchedFrom`. Only reads of closed time count, and only
 * one for each step of age: reading twice in a minute proves nothing.
 */
export function unchangedAfter(
  before: ReadBefore,
  fetchedFrom: number,
  hasChanged: boolean,
  { settleMs, lookbackMs }: FinalityRules,
): number {
  if (before.fetchedFrom === null || before.fetchedFrom < before.end + settleMs) return 0
  if (hasChanged) return 0
  const counts = revisitDue(before.end, before.fetchedFrom, lookbackMs, fetchedFrom)
  return before.unchanged + (counts ? 1 : 0)
}

/** How far apart the clocks of a source and of this machine may be. */
const clockErrorMs = 600_000

/** Where the next read of an open range may begin: before the last one did, by what may have come late. */
export const deltaStart = (start: number, fetchedFrom: number, settleMs: number): number =>
  Math.max(start, fetchedFrom - Math.max(settleMs, clockErrorMs))

/** The word of `lookback` for reading again until nothing changes any more. */
export const untilUnchangedWord = 'until_unchanged'

/** What a stream's `lookback` says; without one, what its connector advises. */
export function lookbackRule(
  lookback: string | null,
  advisedMs: number,
): Pick<FinalityRules, 'lookbackMs' | 'untilUnchanged'> {
  if (lookback === untilUnchangedWord)
    return { lookbackMs: Math.max(longestStepMs, advisedMs), untilUnchanged: true }
  const ownMs = lookback === null ? undefined : durationMs(lookback)
  return { lookbackMs: ownMs ?? advisedMs, untilUnchanged: false }
}
