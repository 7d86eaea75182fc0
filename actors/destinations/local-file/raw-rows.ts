import type { RawRecords } from '../../raw-records.ts'
import { addChecksums, rowHash, viewOf } from '../row-hash.ts'

/** Rows of a page: each record without its closing brace, then the tail. */
export interface RawRows {
  bytes: Uint8Array<ArrayBuffer>
  /** the order-free sum of the rows' hashes, each without its tail */
  checksum: number
}

/** Puts records into lines as they are, without what the scanner cuts. */
export function rawRows({ body, table }: RawRecords, tail: Uint8Array): RawRows {
  const { count, starts, ends, cuts, cutCount } = table
  const source = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  let size = count * (tail.length - 1)
  for (let i = 0; i < count; i += 1) size += (ends[i] as number) - (starts[i] as number)
  // The cuts of records that belong to others make the buffer only too large; it is cut to size below.
  const bytes = new Uint8Array(size)
  const view = viewOf(bytes)
  let checksum = 0
  let at = 0
  let cut = 0
  for (let i = 0; i < count; i += 1) {
    const row = at
    let from = starts[i] as number
    const end = (ends[i] as number) - 1
    while (cut < cutCount && (cuts[cut * 2] as number) < from) cut += 1
    for (; cut < cutCount && (cuts[cut * 2] as number) < end; cut += 1) {
      at += source.copy(bytes, at, from, cuts[cut * 2])
      from = cuts[cut * 2 + 1] as number
    }
    at += source.copy(bytes, at, from, end)
    checksum = addChecksums(checksum, rowHash(view, row, at))
    bytes.set(tail, at)
    at += tail.length
  }
  return { bytes: at === size ? bytes : bytes.slice(0, at), checksum }
}
