/** Which part of a range the next attempt asks for: pure. */
import { destinationAbilities } from '../../schema/destination.ts'
import type { ReadPart } from '../../schema/protocol.ts'
import { deltaStart } from '../../schema/revisit.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { StreamContext } from './context.ts'

type Stream = Pick<
  StreamContext,
  'settleMs' | 'writeMode' | 'primaryKey' | 'destination' | 'connector'
>

/** Whether records can be added to a range that is there already: by key, at a destination that merges. */
export const canMerge = ({ destination, primaryKey, writeMode }: Stream): boolean =>
  destinationAbilities[destination.type].merge && primaryKey.length > 0 && writeMode === 'upsert'

/** Before this the source has nothing: it is not asked, and nothing is deleted. */
export const oldestAt = ({ connector: { maxAgeMs } }: Stream, now: number): number =>
  maxAgeMs === null ? Number.NEGATIVE_INFINITY : now - maxAgeMs

/**
 * An open range is read by delta, from where the last read began and a little before; once it has closed, and when
 * somebody asks for it again, all of it is. A range at the edge of what the source has is read as far as it has it.
 */
export function partOf(stream: Stream, row: RangeRow, now: number): ReadPart | undefined {
  if (row.kind === 'full') return undefined
  const oldest = oldestAt(stream, now)
  if (row.start < oldest) {
    const isReplaced = row.committedAt !== null && !canMerge(stream)
    // A part can't replace what is there.
    return { reason: 'age', from: isReplaced ? Math.max(oldest, row.end) : oldest }
  }
  if (row.lane === 'repair' || row.committedAt === null || row.fetchedFrom === null)
    return undefined
  if (!stream.connector.startFilter || !canMerge(stream)) return undefined
  if (now >= row.end + stream.settleMs) return undefined
  const from = deltaStart(row.start, row.fetchedFrom, stream.settleMs)
  return from > row.start ? { reason: 'delta', from } : undefined
}
