import { randomBytes } from 'node:crypto'
import { derrickError } from '../../../schema/error.ts'
import type { Target } from '../../../schema/protocol.ts'
import { type AppendFile, type Disk, hasCode } from './disk.ts'
import type { Folders } from './folders.ts'
import { ledgerFolder, ledgerName } from './layout.ts'
import { Ledger } from './ledger.ts'
import { LedgerFiles } from './ledger-files.ts'
import { type LedgerLine, parseLine } from './ledger-line.ts'

const readBytes = 64 * 1024
const newline = 10
/** The log grows by a line now and then, and is compacted rarely: two tries are rare. */
const mostTries = 100
/** Lines that one write takes at most; they are as many as ranges are in flight. */
const mostLinesAtOnce = 64

/** A file is compacted when it has this many lines, and this many times as many as it would have then. */
export interface CompactionRule {
  lines: number
  factor: number
}
const usualRule: CompactionRule = { lines: 5000, factor: 4 }
const encoder = new TextEncoder()

/** A line that is not written yet. */
interface Waiting {
  text: string
  sync: boolean
  resolve: (ledger: Ledger) => void
  reject: (error: unknown) => void
}

/**
 * The log of one stream: appended to by whole lines, read up to its end after each. Several attempts, workers and
 * processes may append; where their lines ended up decides. Every line begins with a newline too, so that one torn by a
 * crash spoils only itself. Lines that come while others are written go into the next write together, and share its sync.
 */
export class LedgerLog {
  readonly #disk: Disk
  readonly #files: LedgerFiles
  readonly #target: Target
  readonly #rule: CompactionRule
  /** callers take turns, so one buffer serves all reads */
  readonly #buffer = Buffer.allocUnsafeSlow(readBytes)
  #file: AppendFile | null = null
  #generation = 0
  #inode = 0
  /** after the last whole line */
  #offset = 0
  /** end of the file when it was read last; behind it only a torn line */
  #seen = 0
  /** end of the file when it was looked at last */
  #size = -1
  #lines = 0
  #sealed = false
  #ledger = new Ledger()
  #turn: Promise<unknown> = Promise.resolve()
  readonly #waiting: Waiting[] = []

  constructor(disk: Disk, folders: Folders, target: Target, rule: CompactionRule = usualRule) {
    this.#disk = disk
    this.#files = new LedgerFiles(disk, folders, ledgerFolder(target), ledgerName(target))
    this.#target = target
    this.#rule = rule
  }

  /** The ledger as the log now has it. Without `create` a log that is missing is an empty ledger. */
  read(create = false): Promise<Ledger> {
    return this.#inTurn(async () => {
      await this.#refresh(create)
      return this.#ledger
    })
  }

  /** Appends a line and returns the ledger up to the log's end; throws when the line is not in it. */
  append(line: LedgerLine, sync = false): Promise<Ledger> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text: JSON.stringify(line), sync, resolve, reject })
      if (this.#waiting.length === 1) void this.#inTurn(() => this.#appendWaiting())
    })
  }

  async #appendWaiting(): Promise<void> {
    let left = this.#waiting.splice(0, mostLinesAtOnce)
    if (this.#waiting.length > 0) void this.#inTurn(() => this.#appendWaiting())
    try {
      for (let tries = 0; tries < mostTries; tries += 1) {
        await this.#refresh(true)
        const generation = this.#generation
        const texts = left.map(({ text }) => text)
        const found = await this.#write(
          texts,
          left.some(({ sync }) => sync),
        )
        for (const { text, resolve } of left) if (found.has(text)) resolve(this.#ledger)
        left = left.filter(({ text }) => !found.has(text))
        if (left.length === 0) return
        // Behind a seal, or in a file that was replaced: they have to be written where others look.
        if (!this.#sealed && this.#generation === generation) break
      }
      throw this.#lost()
    } catch (error) {
      // Some may be in the log all the same: whoever tries again looks there first.
      for (const { reject } of left) reject(error)
    }
  }

  /**
   * Removes a file unless the log says that it is live. The answer is only used while the log has not grown since, so that
   * an attempt that slept at this point cannot remove what a newer one has put there.
   */
  remove(path: string, isLive: (ledger: Ledger) => boolean): Promise<void> {
    return this.#inTurn(async () => {
      for (let tries = 0; tries < mostTries; tries += 1) {
        await this.#refresh(true)
        if (isLive(this.#ledger)) return
        const log = this.#files.path(this.#generation)
        if (await this.#disk.removeWhile(path, log, this.#seen)) return
      }
      throw this.#lost()
    })
  }

  /** Starts a new file when this one has grown far beyond what it says. */
  compact(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#refresh(true)
      const { lines, factor } = this.#rule
      if (this.#lines < lines || this.#lines < this.#ledger.size * factor) return
      if (!(await this.#files.canFollow())) return
      const seal: LedgerLine = { kind: 'seal', token: randomBytes(6).toString('hex') }
      await this.#write([JSON.stringify(seal)], true)
      await this.#refresh(true)
    })
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#forget())
  }

  /** One caller at a time: offset and ledger move together. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act)
    this.#turn = result.catch(() => {})
    return result
  }

  /** Writes lines into the open file; returns what the log has grown by, these among it when they are in. */
  async #write(texts: readonly string[], sync: boolean): Promise<Set<string>> {
    const file = this.#file as AppendFile
    const end = this.#seen === this.#offset ? this.#offset : null
    const bytes = encoder.encode(texts.map((text) => `\n${text}\n`).join(''))
    await file.append(bytes)
    if (sync) await file.sync()
    // The file may have been replaced meanwhile: what counts is the one that others will find.
    await this.#open(false)
    const found = new Set<string>()
    // Grown by nothing but these lines: they need not be read to know what they say.
    if (this.#file === file && end !== null && this.#size === end + bytes.byteLength) {
      this.#offset = this.#size
      this.#seen = this.#size
      for (const text of texts) if (!this.#sealed) this.#apply(text, found)
    } else await this.#catchUp(found)
    return found
  }

  async #refresh(create: boolean): Promise<void> {
    if (!(await this.#open(create))) return
    // Nobody has appended anything since: there is nothing to read.
    if (this.#size !== this.#seen) await this.#catchUp()
    for (let tries = 0; this.#sealed; tries += 1) {
      if (tries >= mostTries) throw this.#lost()
      const next = this.#generation + 1
      if (!(await this.#disk.stat(this.#files.path(next)))) await this.#follow()
      await this.#forget()
      await this.#open(create)
      await this.#catchUp()
    }
  }

  async #follow(): Promise<void> {
    try {
      await this.#files.follow(this.#generation, this.#ledger.lines())
    } catch (error) {
      // Somebody else was faster, and wrote the same.
      if (!hasCode(error, 'EEXIST', 'ENOENT')) throw error
    }
  }

  async #open(create: boolean): Promise<boolean> {
    if (this.#file) {
      const found = await this.#disk.stat(this.#files.path(this.#generation))
      if (found?.inode === this.#inode && found.size >= this.#offset) {
        this.#size = found.size
        return true
      }
      await this.#forget()
    }
    for (let tries = 0; tries < mostTries; tries += 1) {
      const newest = await this.#files.newest()
      if (newest === null && !create) return false
      if (await this.#openFile(newest ?? 1, newest === null)) return true
    }
    throw this.#lost()
  }

  /** Opens a file; false when it went away after it was listed. */
  async #openFile(generation: number, create: boolean): Promise<boolean> {
    const folder = await this.#files.makeFolder()
    if (this.#generation === 0) await this.#files.sweep()
    try {
      this.#file = await this.#disk.openAppend(this.#files.path(generation), create)
    } catch (error) {
      if (!create && hasCode(error, 'ENOENT')) return false
      throw error
    }
    this.#generation = generation
    this.#inode = await this.#file.inode()
    if (create) await this.#disk.syncFolder(folder)
    return true
  }

  async #forget(): Promise<void> {
    const file = this.#file
    this.#file = null
    this.#size = -1
    this.#seen = 0
    this.#offset = 0
    this.#lines = 0
    this.#sealed = false
    this.#ledger = new Ledger()
    await file?.close()
  }

  /** Applies the whole lines after what was read last, up to a seal, and adds them to `found`. */
  async #catchUp(found?: Set<string>): Promise<void> {
    let kept = Buffer.alloc(0)
    for (let more = true; more && this.#file && !this.#sealed; ) {
      const count = await this.#file.read(this.#buffer, this.#offset + kept.byteLength)
      more = count === readBytes
      kept = Buffer.concat([kept, this.#buffer.subarray(0, count)])
      this.#seen = this.#offset + kept.byteLength
      const end = kept.lastIndexOf(newline) + 1
      for (const text of kept.toString('utf8', 0, end).split('\n')) {
        if (text !== '' && !this.#sealed) this.#apply(text, found)
      }
      this.#offset += end
      kept = kept.subarray(end)
    }
  }

  #apply(text: string, found?: Set<string>): void {
    const line = parseLine(text, this.#target)
    if (line?.kind === 'seal') this.#sealed = true
    else if (line) this.#ledger.apply(line)
    this.#lines += 1
    found?.add(text)
  }

  #lost(): Error {
    return derrickError(
      'destination',
      'destination.ledger_lost',
      `what was appended to ${this.#files.path(this.#generation || 1)} is not in it`,
      { remedy: 'check that nothing else moves, truncates or rewrites the _derrick folder' },
    )
  }
}
