import type { JobRange } from '../../../schema/protocol.ts'
import { addChecksums, rowHash, viewOf } from '../row-hash.ts'

const newline = 10

/**
 * What follows the record in a line: the range that wrote it and when. It has one length for all lines of an attempt, so
 * that the part before it, which the checksum covers, is found without parsing.
 */
export function rowTail(range: Pick<JobRange, 'kind' | 'start'>, syncedAt: number): string {
  const start = range.kind === 'full' ? 'null' : `"${new Date(range.start).toISOString()}"`
  return `,"_derrick_range":${start},"_derrick_synced_at":"${new Date(syncedAt).toISOString()}"}\n`
}

/** The order-free sum of the hashes of a page's rows, each without its tail of so many bytes. */
export function sumRows(bytes: Uint8Array, tailBytes: number): number {
  const view = viewOf(bytes)
  let sum = 0
  for (let at = 0, end = 0; at < bytes.byteLength; at = end) {
    end = bytes.indexOf(newline, at) + 1
    sum = addChecksums(sum, rowHash(view, at, end - tailBytes))
  }
  return sum
}
