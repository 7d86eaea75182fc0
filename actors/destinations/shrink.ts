import { derrickError } from '../../schema/error.ts'
import type { JobRange } from '../../schema/protocol.ts'

/** Fewer rows missing than this are everyday life. */
const leastMissing = 20

/**
 * Whether a read that found `now` rows where `before` are committed looks more like a broken answer than like deleted
 * records: less than half of them, and at least twenty fewer; of a full read nothing at all. A window is then read a second
 * time before it may replace anything, a full read only when somebody says so.
 */
export function isSuspicious(range: JobRange, before: number, now: number): boolean {
  if (range.force) return false
  if (range.kind === 'full' && now === 0) return before > 0
  return now * 2 < before && before - now >= leastMissing
}

export const shrunkFailure = (range: JobRange, before: number, now: number): Error =>
  range.kind === 'full' ? shrunkForGood(before, now) : shrunkOnce(before, now)

const shrunkForGood = (before: number, now: number): Error =>
  derrickError(
    'destination',
    'destination.shrunk',
    `the full read found ${now} records where ${before} are committed; nothing was replaced`,
    { remedy: 'check the source; if it really has so few, resync the stream with force' },
  )

const shrunkOnce = (before: number, now: number): Error =>
  derrickError(
    'unknown',
    'destination.shrunk_once',
    `the range was read with ${now} records where ${before} are committed; it is read a second time before it replaces them`,
    { remedy: 'nothing to do unless the source is known to be broken now' },
  )
