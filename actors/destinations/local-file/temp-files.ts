import { join } from 'node:path'
import { addChecksums, checksumText, rowHash, viewOf } from '../row-hash.ts'
import type { ReplayedPage, Spool } from '../spool.ts'
import { type Disk, hasCode, type NewFile } from './disk.ts'
import type { PreviousRows } from './previous-rows.ts'

const newline = 10

/** A temp file as it was written and synced; its name is that of its part. */
export interface WrittenPart {
  part: number
  bytes: number
  records: number
}

export interface PartsOptions {
  disk: Disk
  /** full path of the folder */
  folder: string
  tempName: (part: number) => string
  /** a part that has reached this many bytes takes no more rows */
  targetBytes: number
  /** bytes at the end of a row that its hash leaves out (`row-tail.ts`) */
  tailBytes: number
  /** rows that the range has now; null when that is not known */
  previous: PreviousRows | null
  signal: AbortSignal
}

/** What was written: rows that another row replaces are left out of count, bytes and checksum. */
export interface WrittenParts {
  parts: WrittenPart[]
  records: number
  bytes: number
  /** rows that were new or different; null when that is not known */
  rowsChanged: number | null
  checksum: string
}

/**
 * Writes a spool into temp files, without the rows that later ones replace, and syncs them. The spool proves that what it
 * gives back is what was read from the source; when it is not, it throws, and nothing is visible.
 */
export async function writeParts(spool: Spool, options: PartsOptions): Promise<WrittenParts> {
  const writer = new PartWriter(options)
  const kept: Kept = { records: 0, unchanged: 0, checksum: 0 }
  try {
    for await (const page of spool.replay(true)) {
      options.signal.throwIfAborted()
      const { firstRow, recordCount } = page
      // A page without rows must not make a file, nor ask for a folder that only rows bring about.
      if (recordCount === 0) continue
      const isWhole =
        !options.previous?.size &&
        !spool.superseded.hasBetween(firstRow, firstRow + recordCount) &&
        writer.hasRoom(page.bytes.byteLength)
      if (isWhole) {
        await writer.rows(page.bytes, 0, page.bytes.byteLength, recordCount)
        kept.records += recordCount
        kept.checksum = addChecksums(kept.checksum, page.checksum)
      } else await writeRows(page, spool, writer, options, kept)
      await writer.flush()
    }
    const parts = await writer.end()
    const { records, unchanged, checksum } = kept
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
    const rowsChanged = options.previous ? records - unchanged : null
    return { parts, records, bytes, rowsChanged, checksum: checksumText(checksum) }
  } catch (error) {
    await writer.discard()
    throw error
  }
}

interface Kept {
  records: number
  unchanged: number
  checksum: number
}

/** A page of which some rows are left out, or are in place already, or that goes into two parts. */
async function writeRows(
  page: ReplayedPage,
  { superseded }: Spool,
  writer: PartWriter,
  { previous, tailBytes }: PartsOptions,
  kept: Kept,
): Promise<void> {
  // Tails are changed in a copy: a commit that fails is repeated from the page as it was read.
  const bytes = previous?.size ? page.bytes.slice() : page.bytes
  const view = viewOf(bytes)
  let row = page.firstRow
  for (let at = 0, end = 0; at < bytes.byteLength; row += 1, at = end) {
    end = bytes.indexOf(newline, at) + 1
    if (superseded.has(row)) continue
    const length = end - at - tailBytes
    const hash = rowHash(view, at, at + length)
    kept.checksum = addChecksums(kept.checksum, hash)
    kept.records += 1
    const tail = previous?.get(hash)
    if (tail) {
      // The row is the one that is there already: it keeps the time of its last change.
      bytes.set(tail, at + length)
      kept.unchanged += 1
    }
    const writing = writer.rows(bytes, at, end, 1)
    if (writing) await writing
  }
}

/** Puts rows into parts; neighbouring rows of a page go out in one write. */
class PartWriter {
  readonly #options: PartsOptions
  readonly #parts: WrittenPart[] = []
  #file: NewFile | null = null
  #page: Uint8Array | null = null
  #from = 0
  #to = 0

  constructor(options: PartsOptions) {
    this.#options = options
  }

  /** Whether so many bytes are within the part that takes the next row. */
  hasRoom(bytes: number): boolean {
    const used = (this.#file && this.#parts.at(-1)?.bytes) ?? 0
    return used + bytes <= this.#options.targetBytes
  }

  /** Takes rows of a page that belong into one part. Nearly always there is nothing to wait for. */
  rows(page: Uint8Array, from: number, to: number, count: number): Promise<void> | null {
    const part = this.#parts.at(-1)
    const goesOn = this.#file && this.#page === page && this.#to === from
    if (!part || !goesOn || part.bytes >= this.#options.targetBytes) {
      return this.#begin(page, from, to, count)
    }
    this.#add(part, to, count)
    return null
  }

  async #begin(page: Uint8Array, from: number, to: number, count: number): Promise<void> {
    const last = this.#parts.at(-1)
    if (last && this.#file && last.bytes >= this.#options.targetBytes) await this.#endPart()
    await this.flush()
    const part = this.#file ? (this.#parts.at(-1) as WrittenPart) : await this.#openPart()
    this.#page = page
    this.#from = from
    this.#to = from
    this.#add(part, to, count)
  }

  #add(part: WrittenPart, to: number, count: number): void {
    part.bytes += to - this.#to
    part.records += count
    this.#to = to
  }

  async flush(): Promise<void> {
    const page = this.#page
    this.#page = null
    if (page) await this.#file?.write(page.subarray(this.#from, this.#to))
  }

  async end(): Promise<WrittenPart[]> {
    await this.#endPart()
    return this.#parts
  }

  /** Removes what was written. A failure here is not told: the next attempt removes what is left by its name. */
  async discard(): Promise<void> {
    const { disk, folder, tempName } = this.#options
    await this.#file?.close().catch(() => {})
    this.#file = null
    for (const { part } of this.#parts) {
      await disk.remove(join(folder, tempName(part))).catch(() => {})
    }
  }

  async #openPart(): Promise<WrittenPart> {
    const { disk, folder, tempName } = this.#options
    const part = { part: this.#parts.length + 1, bytes: 0, records: 0 }
    const path = join(folder, tempName(part.part))
    this.#parts.push(part)
    try {
      this.#file = await disk.createFile(path)
    } catch (error) {
      // An earlier try of this commit left it.
      if (!hasCode(error, 'EEXIST')) throw error
      await disk.remove(path)
      this.#file = await disk.createFile(path)
    }
    return part
  }

  async #endPart(): Promise<void> {
    await this.flush()
    await this.#file?.sync()
    await this.#file?.close()
    this.#file = null
  }
}
