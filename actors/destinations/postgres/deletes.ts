import { derrickError } from '../../../schema/error.ts'
import type { JobRange, Target } from '../../../schema/protocol.ts'
import { isKeyed } from './identity.ts'
import type { Committed } from './ledger.ts'

/** A read must lack at least so many rows before anybody wonders. */
const leastLoss = 20

/**
 * What happens to rows of the range that a complete read no longer has. Absence proves nothing where records move between
 * ranges (`tracks: updates`); rows without a key are always replaced with their range.
 */
export function deleteKind(target: Target, range: JobRange): 'hard' | 'soft' | null {
  if (!isKeyed(target)) return 'hard'
  const isProof =
    range.kind === 'full' || target.tracks === 'creation' || target.tracks === 'report'
  if (!isProof) return null
  if (target.writeMode === 'replace') return target.deletes === 'soft' ? 'soft' : 'hard'
  return target.deletes === 'keep' ? null : target.deletes
}

/** Whether a read has so much less than what it would replace that it may be the source's mistake. */
export function isShrunk(range: JobRange, before: number, now: number): boolean {
  if (range.kind === 'full' && now === 0) return before > 0
  return now < before / 2 && before - now >= leastLoss
}

/** May a much smaller read delete? A window may when its second read says so too; a full read never on its own. */
export function mayShrink(range: JobRange, committed: Committed): boolean {
  return range.kind === 'window' && committed.shrunkTo !== null
}

/** A read that lost rows, refused before it could delete any. */
export class ShrunkRead extends Error {
  readonly before: number
  readonly now: number
  constructor(before: number, now: number) {
    super(`${now} records where ${before} are committed`)
    this.before = before
    this.now = now
  }
}

export function shrunkFailure(range: JobRange, { before, now }: ShrunkRead): Error {
  const message = `the source gave ${now} records where ${before} are committed; nothing was deleted`
  return range.kind === 'full'
    ? derrickError('destination', 'destination.shrunk', message, {
        remedy:
          'if the source is right, reset the stream with clear; else check its filters and rights',
      })
    : derrickError('unknown', 'destination.shrunk', message, {
        remedy: 'the range is read once more; what that says is taken',
      })
}
