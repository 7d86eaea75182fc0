import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { derrickError } from '../../schema/error.ts'
import type { PageMeta } from '../../schema/protocol.ts'
import { freeBytes } from '../free-bytes.ts'
import { addChecksums } from './row-hash.ts'
import { RowSet } from './row-set.ts'
import type { SpoolPool } from './spool-pool.ts'
import type { SpooledPage } from './writer.ts'

const suffix = '.spool'
/** So much one spool holds in memory, where its worker's pool lends it what is beyond its own. */
const mostInMemory = 8 * 1024 * 1024
const openNew =
  constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | (constants.O_NOFOLLOW ?? 0)

interface Entry {
  /** null once the page is in the file */
  bytes: Uint8Array<ArrayBuffer> | null
  length: number
  recordCount: number
  checksum: number
  crc: number
  columns: PageMeta['columns']
}

/** A page as it comes back; which of its rows are replaced is asked of `superseded`, by `firstRow + i`. */
export interface ReplayedPage {
  bytes: Uint8Array<ArrayBuffer>
  recordCount: number
  checksum: number
  columns: PageMeta['columns']
  firstRow: number
}

export interface SpoolOptions {
  pool: SpoolPool
  dir: string
  /** the file is `<name>.spool`; asked when the spool leaves memory, so the fence may be in it */
  name: () => string
  /** what it may hold in memory without asking */
  memoryBytes: number
  signal: AbortSignal
}

/**
 * One attempt's pages, in order: in memory as long as there is room, then in an unsynced file that only this process can read.
 * Most ranges never see the disk twice. It may be replayed any number of times; the API is not asked again. Not safe for concurrent appends.
 */
export class Spool {
  readonly #options: SpoolOptions
  readonly #pages: Entry[] = []
  readonly #superseded = new RowSet()
  #file: FileHandle | null = null
  #path: string | null = null
  #bytes = 0
  #borrowed = 0
  #records = 0
  #checksum = 0
  #dropped = false

  constructor(options: SpoolOptions) {
    this.#options = options
  }

  get pages(): number {
    return this.#pages.length
  }

  /** rows, those that a later row replaces included */
  get records(): number {
    return this.#records
  }

  get bytes(): number {
    return this.#bytes
  }

  get checksum(): number {
    return this.#checksum
  }

  /** Rows (counted from 0 over the attempt) that another row of it replaces. */
  get superseded(): RowSet {
    return this.#superseded
  }

  /** Keeps a page. Waits while the worker's spools are full; a full disk is the failure `disk.enospc`. */
  async append(page: SpooledPage): Promise<void> {
    const { pool, signal, memoryBytes } = this.#options
    const length = page.bytes.byteLength
    await pool.take(this, length, signal)
    // The wait may have outlived the attempt: what was booked after the drop is given back here.
    if (this.#dropped) return pool.release(this, length)
    this.#bytes += length
    this.#pages.push(this.#entry(page))
    if (this.#file || !this.#fitsMemory(memoryBytes)) await this.#spill()
    this.#records += page.recordCount
    this.#checksum = addChecksums(this.#checksum, page.checksum)
    for (const row of page.meta.superseded) this.#superseded.add(row)
  }

  /**
   * The pages in the order they came; one page of a spooled file is in memory at a time. A page that is not what was encoded
   * is the failure `spool.damaged`: nothing damaged is ever committed. With `reuse` a page's bytes are good only until the
   * next one is asked for.
   */
  async *replay(reuse = false): AsyncGenerator<ReplayedPage> {
    let offset = 0
    let firstRow = 0
    let room = new Uint8Array(0)
    for (const page of this.#pages) {
      if (!page.bytes && (!reuse || room.length < page.length)) room = new Uint8Array(page.length)
      const bytes = page.bytes ?? (await this.#read(offset, room.subarray(0, page.length)))
      offset += page.length
      if (crc32(bytes) !== page.crc) throw damaged()
      const { recordCount, checksum, columns } = page
      yield { bytes, recordCount, checksum, columns, firstRow }
      firstRow += recordCount
    }
  }

  /**
   * Forgets everything, removes the file and gives the bytes back. Safe to call twice.
   * @param isUnused nothing of it is being written any more, so that its memory can be freed at once
   */
  async drop(isUnused = false): Promise<void> {
    if (this.#dropped) return
    this.#dropped = true
    if (isUnused) for (const { bytes } of this.#pages) if (bytes) freeBytes(bytes)
    this.#pages.length = 0
    this.#repay()
    try {
      await this.#file?.close()
      if (this.#path) await unlink(this.#path)
    } catch (error) {
      // A file that is gone already is what was wanted.
      if (!hasCode(error, 'ENOENT')) throw spoolFailure(error, this.#path)
    } finally {
      this.#options.pool.release(this, this.#bytes)
    }
  }

  #entry({ bytes, recordCount, checksum, meta }: SpooledPage): Entry {
    const last = this.#pages.at(-1)?.columns
    // Every page brings its own copy of the column list; nearly always it equals the one before.
    const columns = last && sameColumns(last, meta.columns) ? last : meta.columns
    return { bytes, length: bytes.byteLength, recordCount, checksum, crc: meta.crc, columns }
  }

  /** Whether all of it may stay in memory; what is beyond its own is borrowed. */
  #fitsMemory(own: number): boolean {
    const more = this.#bytes - own - this.#borrowed
    if (more <= 0) return true
    if (this.#bytes > mostInMemory || !this.#options.pool.borrow(more)) return false
    this.#borrowed += more
    return true
  }

  #repay(): void {
    this.#options.pool.repay(this.#borrowed)
    this.#borrowed = 0
  }

  async #spill(): Promise<void> {
    const { dir, name } = this.#options
    const path = this.#path ?? join(dir, `${name()}${suffix}`)
    try {
      if (!this.#file) {
        await mkdir(dir, { recursive: true, mode: 0o700 })
        this.#path = path
        this.#file = await open(path, openNew, 0o600)
      }
      for (const page of this.#unspilled()) {
        const bytes = page.bytes as Uint8Array
        await this.#file.appendFile(bytes)
        page.bytes = null
        freeBytes(bytes)
      }
      this.#repay()
    } catch (error) {
      throw spoolFailure(error, path)
    }
  }

  #unspilled(): Entry[] {
    const first = this.#pages.findLastIndex((page) => page.bytes === null) + 1
    return this.#pages.slice(first)
  }

  async #read(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const { length } = bytes
    let done = 0
    try {
      while (done < length) {
        const { bytesRead } = await (this.#file as FileHandle).read(
          bytes,
          done,
          length - done,
          offset + done,
        )
        if (bytesRead === 0) throw new Error('it is shorter than what was written to it')
        done += bytesRead
      }
    } catch (error) {
      throw spoolFailure(error, this.#path)
    }
    return bytes
  }
}

const sameColumns = (a: PageMeta['columns'], b: PageMeta['columns']): boolean =>
  a.length === b.length &&
  a.every((column, i) => column.name === b[i]?.name && column.type === b[i]?.type)

const hasCode = (error: unknown, code: string): boolean =>
  (error as { code?: unknown } | null)?.code === code

const damaged = (): Error =>
  derrickError('unknown', 'spool.damaged', 'a page of the spool is not what was read', {
    remedy: 'the range is read again; if it persists, check disk and memory of this machine',
  })

function spoolFailure(error: unknown, path: string | null): Error {
  const code = String((error as { code?: unknown } | null)?.code ?? 'spool').toLowerCase()
  const message = error instanceof Error ? error.message : String(error)
  const full = code === 'enospc' || code === 'edquot'
  return derrickError('destination', `disk.${code}`, `the spool file ${path}: ${message}`, {
    remedy: full
      ? 'free space on the disk of the data folder, then retry; nothing that was committed is lost'
      : 'check the data folder: Derrick keeps what it reads there until it is committed',
    cause: error,
  })
}
