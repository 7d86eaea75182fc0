import { join } from 'node:path'
import { derrickError } from '../../../schema/error.ts'
import { addChecksums, checksumText, rowHash } from '../row-hash.ts'
import type { Spool } from '../spool.ts'
import type { ReadReport } from '../writer.ts'
import type { Disk, NewFile } from './disk.ts'
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
 * Writes a spool into temp files, without the rows that later ones replace, syncs them, and proves on the way that what
 * it read back is what was read from the source: another count or checksum throws, and nothing is visible.
 */
export async function writeParts(
  spool: Spool,
  report: ReadReport,
  options: PartsOptions,
): Promise<WrittenParts> {
  const writer = new PartWriter(options)
  let read = 0
  let records = 0
  let all = 0
  let kept = 0
  let unchanged = 0
  try {
    for await (const page of spool.replay()) {
      options.signal.throwIfAborted()
      let row = page.firstRow
      for (let at = 0; at < page.bytes.byteLength; row += 1) {
        const end = page.bytes.indexOf(newline, at) + 1
        if (end === 0) break
        const length = end - at - options.tailBytes
        const hash = rowHash(page.bytes.subarray(at, at + length), length)
        all = addChecksums(all, hash)
        read += 1
        if (!spool.superseded.has(row)) {
          kept = addChecksums(kept, hash)
          records += 1
          const tail = options.previous?.get(hash)
          if (tail) {
            // The row is the one that is there already: it keeps the time of its last change.
            page.bytes.set(tail, at + length)
            unchanged += 1
          }
          await writer.row(page.bytes, at, end)
        }
        at = end
      }
      await writer.flush()
    }
    const parts = await writer.end()
    if (read !== report.records || all !== report.checksum) throw mismatch(report, read, all)
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
    const rowsChanged = options.previous ? records - unchanged : null
    return { parts, records, bytes, rowsChanged, checksum: checksumText(kept) }
  } catch (error) {
    await writer.discard()
    throw error
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

  async row(page: Uint8Array, from: number, to: number): Promise<void> {
    const part = this.#parts.at(-1)
    if (part && this.#file && part.bytes >= this.#options.targetBytes) await this.#endPart()
    if (this.#page !== page || this.#to !== from) {
      await this.flush()
      this.#page = page
      this.#from = from
    }
    this.#to = to
    const current = this.#file ? (this.#parts.at(-1) as WrittenPart) : await this.#openPart()
    current.bytes += to - from
    current.records += 1
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
    await disk.remove(path)
    this.#parts.push(part)
    this.#file = await disk.createFile(path)
    return part
  }

  async #endPart(): Promise<void> {
    await this.flush()
    await this.#file?.sync()
    await this.#file?.close()
    this.#file = null
  }
}

const mismatch = (report: ReadReport, records: number, checksum: number): Error =>
  derrickError(
    'unknown',
    'destination.spool_mismatch',
    `the spool gave back ${records} rows with checksum ${checksumText(checksum)}, but ${report.records} with ${checksumText(report.checksum)} were read; nothing was written`,
    { remedy: 'retry; if it returns, check memory and disk of this machine' },
  )
