import type { JobRange } from '../../../schema/protocol.ts'
import { addChecksums, rowHash, viewOf } from '../row-hash.ts'
import { copyNull } from './copy-text.ts'

const newline = 10
const tab = 9
const backslash = 92
const letterN = 78

/** What every row of an attempt begins with: its range and when it was read. One length for all rows. */
export function rowPrefix(range: Pick<JobRange, 'kind' | 'start'>, fetchedFrom: number): string {
  const start = range.kind === 'full' ? copyNull : new Date(range.start).toISOString()
  return `${start}\t${new Date(fetchedFrom).toISOString()}\t`
}

/**
 * Rows of a page and the order-free sum of their hashes. Left out is what is no part of the record: the first `prefix` bytes
 * of a row, and nulls at its end, which come and go with the columns that later rows bring.
 */
export function sumLines(bytes: Uint8Array, prefix: number): { rows: number; checksum: number } {
  const view = viewOf(bytes)
  let rows = 0
  let checksum = 0
  let start = 0
  while (start < bytes.length) {
    const end = bytes.indexOf(newline, start)
    if (end < 0) break
    const last = withoutNulls(bytes, start + prefix, end)
    checksum = addChecksums(checksum, rowHash(view, start + prefix, last))
    rows += 1
    start = end + 1
  }
  return { rows, checksum }
}

function withoutNulls(bytes: Uint8Array, start: number, end: number): number {
  let last = end
  while (
    last - 3 >= start &&
    bytes[last - 1] === letterN &&
    bytes[last - 2] === backslash &&
    bytes[last - 3] === tab
  ) {
    last -= 3
  }
  return last
}

/** The rows of a page without those at the positions that `isLeftOut` names. */
export function keepLines(
  bytes: Uint8Array<ArrayBuffer>,
  isLeftOut: (row: number) => boolean,
): Uint8Array {
  const kept: Uint8Array[] = []
  let start = 0
  for (let row = 0; start < bytes.length; row += 1) {
    const end = bytes.indexOf(newline, start) + 1
    if (!isLeftOut(row)) kept.push(bytes.subarray(start, end))
    start = end
  }
  return Buffer.concat(kept)
}
