import { derrickError } from '../schema/error.ts'
import type { JobRange } from '../schema/protocol.ts'

/** What an attempt asks of its source. */
export interface Asked {
  /** null: the whole stream */
  window: { start: number; end: number } | null
  /** the records are merged into what is there, and absence proves nothing */
  isPart: boolean
}

/**
 * What is asked for, once it is known what the destination holds (the fence of its commit) and when reading begins. A delta
 * needs the very commit that it adds to: where that is gone, and once the range has closed, all is read.
 * @throws DerrickError range.too_old when the source has nothing of the range any more
 */
export function askedOf(range: JobRange, holds: number | null, fetchedFrom: number): Asked {
  const { kind, start, end, part, committedFence, finality } = range
  if (kind === 'full') return { window: null, isPart: false }
  const all = { window: { start, end }, isPart: false }
  if (!part) return all
  if (part.reason === 'age') {
    if (part.from >= end) throw tooOld()
    return { window: { start: Math.max(start, part.from), end }, isPart: holds !== null }
  }
  const isOpen = fetchedFrom < end + (finality?.settleMs ?? 0)
  const isKnown = holds !== null && holds === committedFence
  if (!isOpen || !isKnown || part.from >= end) return all
  return { window: { start: Math.max(start, part.from), end }, isPart: true }
}

const tooOld = (): Error =>
  derrickError(
    'transform',
    'range.too_old',
    'the source has no data of this age any more; what the destination has of it stays',
    { remedy: 'nothing to do' },
  )
