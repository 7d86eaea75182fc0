import type { JobRange, Target } from '../../../schema/protocol.ts'
import { isKeyed } from './identity.ts'
import type { Committed } from './ledger.ts'

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
