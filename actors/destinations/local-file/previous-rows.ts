import { join } from 'node:path'
import { rowHash, viewOf } from '../row-hash.ts'
import type { Disk } from './disk.ts'
import type { Commit } from './ledger.ts'

/** Rows of a range's last commit that are compared; larger ranges are written as if all of it had changed. */
const mostRows = 500_000
const readBytes = 256 * 1024
const newline = 10

/** Tails (`row-tail.ts`) of the rows that a range has now, by the hash of what comes before them. */
export type PreviousRows = ReadonlyMap<number, Uint8Array>

/**
 * Reads what a range has now, so that a row which did not change keeps the time at which it last did. Null when that
 * can't be told: the range is large, or its files are not what was committed.
 */
export async function previousRows(
  disk: Disk,
  root: string,
  commit: Commit | null,
  tailBytes: number,
): Promise<PreviousRows | null> {
  const rows = new Map<number, Uint8Array>()
  if (!commit) return rows
  if (commit.records > mostRows) return null
  const tails = new Map<string, Uint8Array>()
  let count = 0
  for (const file of commit.files) {
    const path = join(root, file.path)
    if ((await disk.stat(path))?.size !== file.bytes) return null
    for await (const line of linesOf(disk, path)) {
      const length = line.byteLength - tailBytes
      if (length <= 0) return null
      const text = line.toString('latin1', length)
      const tail = tails.get(text) ?? Uint8Array.from(line.subarray(length))
      tails.set(text, tail)
      rows.set(rowHash(viewOf(line), 0, length), tail)
      count += 1
    }
  }
  return count === commit.records ? rows : null
}

/** Lines with their newline; what follows the last newline is none. A line is only good until the next one. */
async function* linesOf(disk: Disk, path: string): AsyncGenerator<Buffer> {
  const file = await disk.openRead(path)
  try {
    const into = Buffer.allocUnsafeSlow(readBytes)
    let kept = Buffer.alloc(0)
    for (let offset = 0; ; ) {
      const count = await file.read(into, offset)
      if (count === 0) return
      offset += count
      kept = Buffer.concat([kept, into.subarray(0, count)])
      let from = 0
      for (let at = kept.indexOf(newline); at >= 0; at = kept.indexOf(newline, from)) {
        yield kept.subarray(from, at + 1)
        from = at + 1
      }
      kept = kept.subarray(from)
    }
  } finally {
    await file.close()
  }
}
