import { hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { ReadPage, ReadPoint } from './connectors/reader.ts'
import type { Row } from './destinations/writer.ts'
import { parseJson } from './http/json.ts'

/** Pages are written and synced so many at a time: a read that is shorter never touches the disk. */
const pagesAtOnce = 10
/** and no more than this may wait in memory */
const bytesAtOnce = 4 * 1024 * 1024
/** A longer read begins anew when it is cut: the disk is also needed for its spool. */
const mostBytes = 2 * 1024 * 1024 * 1024
/** Page tokens older than this are not trusted, and data read earlier are not mixed with new ones. */
export const resumableForMs = 6 * 3_600_000
const newline = 10

/**
 * The pages of a read that has not ended, with the place where it goes on: an attempt that is cut, by whatever end of the
 * process, leaves them to the next one. One line a page, each with its checksum; a torn end is cut off.
 */
export class ResumeLog {
  readonly #path: string
  /** epoch ms at which the read began, in whichever attempt */
  readonly fetchedFrom: number
  readonly #header: string
  #point: ReadPoint | null | undefined
  #file: FileHandle | null = null
  /** bytes of the file that are good */
  #size: number
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isGivenUp = false

  private constructor(path: string, header: string, fetchedFrom: number, size: number) {
    this.#path = path
    this.#header = header
    this.fetchedFrom = fetchedFrom
    this.#size = size
  }

  /**
   * @param identity what the pages are pages of: what an attempt with another one left is forgotten
   * @param now epoch ms
   */
  static async open(path: string, identity: string, now: number): Promise<ResumeLog> {
    const digest = hash('sha256', identity, 'hex')
    const found = await headerOf(path)
    const isFresh = (found?.changedMs ?? 0) > now - resumableForMs
    if (found && isFresh && found.identity === digest)
      return new ResumeLog(path, found.line, found.fetchedFrom, found.size)
    await unlink(path).catch(() => {})
    const header = `${JSON.stringify({ identity: digest, fetchedFrom: now })}\n`
    return new ResumeLog(path, header, now, 0)
  }

  /** Where to go on after `replay`: null at the end of the read, undefined at its beginning. */
  get point(): ReadPoint | null | undefined {
    return this.#point
  }

  /** The pages that an attempt before this one left, in their order. */
  async *replay(): AsyncGenerator<ReadPage> {
    if (this.#size === 0) return
    this.#size = 0
    for await (const line of linesOf(this.#path)) {
      if (this.#size > 0) {
        const read = pageOf(line)
        // Torn, or not what was written: from here on it is read again.
        if (!read) break
        this.#point = read.point
        yield read.page
      }
      this.#size += line.byteLength + 1
    }
  }

  /** Keeps a page before it is handed on. What can't be kept is not resumed, and fails nothing. */
  async append(page: ReadPage): Promise<void> {
    if (this.#isGivenUp || page.point === undefined) return
    const line = lineOf(page)
    this.#waiting.push(line)
    this.#waitingBytes += line.byteLength
    this.#point = page.point
    if (this.#waiting.length >= pagesAtOnce || this.#waitingBytes >= bytesAtOnce)
      await this.#flush()
  }

  /** Ends the use of the file; `keep` leaves it, whole, to the next attempt. */
  async close(keep: boolean): Promise<void> {
    if (keep && this.#size > 0 && this.#waiting.length > 0) await this.#flush()
    await this.#file?.close().catch(() => {})
    this.#file = null
    if (!keep) await unlink(this.#path).catch(() => {})
  }

  async #flush(): Promise<void> {
    try {
      if (this.#size + this.#waitingBytes > mostBytes) throw new Error('too long')
      if (!this.#file) await this.#openFile()
      const file = this.#file as unknown as FileHandle
      for (const line of this.#waiting) {
        await file.write(line, 0, line.byteLength, this.#size)
        this.#size += line.byteLength
      }
      await file.datasync()
    } catch {
      this.#isGivenUp = true
      await this.close(false)
    }
    this.#waiting = []
    this.#waitingBytes = 0
  }

  async #openFile(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    this.#file = await open(this.#path, this.#size === 0 ? 'w+' : 'r+', 0o600)
    await this.#file.truncate(this.#size)
    if (this.#size > 0) return
    const header = Buffer.from(this.#header)
    await this.#file.write(header, 0, header.byteLength, 0)
    this.#size = header.byteLength
  }
}

interface Header {
  identity: string
  fetchedFrom: number
  line: string
  size: number
  changedMs: number
}

async function headerOf(path: string): Promise<Header | null> {
  try {
    const { size, mtimeMs: changedMs } = await stat(path)
    for await (const line of linesOf(path)) {
      const { identity, fetchedFrom } = JSON.parse(line.toString('utf8')) as Partial<Header>
      if (typeof identity !== 'string' || !Number.isSafeInteger(fetchedFrom)) return null
      const text = `${line.toString('utf8')}\n`
      return { identity, fetchedFrom: fetchedFrom as number, line: text, size, changedMs }
    }
    return null
  } catch {
    return null
  }
}

/** Whole lines of a file, without their newlines. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let kept: Buffer[] = []
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    let from = 0
    const bytes = chunk as Buffer
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, from)) {
      yield Buffer.concat([...kept, bytes.subarray(from, at)])
      kept = []
      from = at + 1
    }
    kept.push(bytes.subarray(from))
  }
}

/** `<crc32> <page>`; numbers keep the text that they came with. */
function lineOf({ records, deleted, rejects, bytes, dropped, point }: ReadPage): Buffer {
  const marked = deleted ? records.flatMap((record, i) => (deleted.has(record) ? [i] : [])) : []
  const text = JSON.stringify({
    records,
    marked,
    rejects: rejects ?? [],
    bytes,
    dropped,
    // As a text of its own: its numbers are no record's.
    point: JSON.stringify(point),
  })
  return Buffer.from(`${crc32(text).toString(16).padStart(8, '0')} ${text}\n`)
}

function pageOf(line: Buffer): { page: ReadPage; point: ReadPoint | null } | null {
  const body = Uint8Array.from(line.subarray(9))
  if (crc32(body).toString(16).padStart(8, '0') !== line.toString('latin1', 0, 8)) return null
  const stored = parseJson(body).value as {
    records: Row[]
    marked: number[]
    rejects: NonNullable<ReadPage['rejects']>
    bytes: number
    dropped: number
    point: string
  }
  const { records, marked, rejects, bytes, dropped } = stored
  const deleted = new Set(marked.map((i) => records[i] as Row))
  const page: ReadPage = { records, bytes, requests: 0, dropped, rejects, deleted }
  return { page, point: JSON.parse(stored.point) as ReadPoint | null }
}
