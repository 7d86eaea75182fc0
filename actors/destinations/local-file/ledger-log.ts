import { join } from 'node:path'
import { derrickError } from '../../../schema/error.ts'
import type { Target } from '../../../schema/protocol.ts'
import type { AppendFile, Disk } from './disk.ts'
import type { Folders } from './folders.ts'
import { ledgerFolder, ledgerName } from './layout.ts'
import { Ledger } from './ledger.ts'
import { type LedgerLine, parseLine } from './ledger-line.ts'

const readBytes = 1024 * 1024
const newline = 10
/** The log grows by a line now and then: two tries are rare. */
const mostRemoveTries = 100
const encoder = new TextEncoder()

/**
 * The log file of one stream: appended to by one write a line, read up to its end after each. Several attempts, workers
 * and processes may append; where their lines ended up in the file decides. Every line begins with a newline too, so that
 * one torn by a crash spoils only itself.
 */
export class LedgerLog {
  readonly #disk: Disk
  readonly #folders: Folders
  readonly #path: string
  readonly #target: Target
  #file: AppendFile | null = null
  #inode = 0
  /** after the last whole line */
  #offset = 0
  /** end of the file when it was read last; behind it only a torn line */
  #seen = 0
  #ledger = new Ledger()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(disk: Disk, folders: Folders, target: Target) {
    this.#disk = disk
    this.#folders = folders
    this.#path = join(folders.root, ledgerFolder(target), `${ledgerName(target)}.jsonl`)
    this.#target = target
  }

  /** The ledger as the file now has it. Without `create` a file that is missing is an empty ledger. */
  read(create = false): Promise<Ledger> {
    return this.#inTurn(async () => {
      if (await this.#open(create)) await this.#catchUp()
      return this.#ledger
    })
  }

  /** Appends a line and returns the ledger up to the file's end; throws when the line is not in it. */
  append(line: LedgerLine, sync = false): Promise<Ledger> {
    return this.#inTurn(async () => {
      await this.#open(true)
      const file = this.#file as AppendFile
      const text = JSON.stringify(line)
      await file.append(encoder.encode(`\n${text}\n`))
      if (sync) await file.sync()
      // The file may have been replaced meanwhile: what counts is the one that others will find.
      await this.#open(false)
      if (!(await this.#catchUp(text))) {
        throw derrickError(
          'destination',
          'destination.ledger_lost',
          `a line appended to ${this.#path} is not in it`,
          { remedy: 'check that nothing else moves, truncates or rewrites the _derrick folder' },
        )
      }
      return this.#ledger
    })
  }

  /**
   * Removes a file unless the log says that it is live. The answer is only used while the log has not grown since, so that
   * an attempt that slept at this point cannot remove what a newer one has put there.
   */
  remove(path: string, isLive: (ledger: Ledger) => boolean): Promise<void> {
    return this.#inTurn(async () => {
      for (let tries = 0; tries < mostRemoveTries; tries += 1) {
        await this.#open(true)
        await this.#catchUp()
        if (isLive(this.#ledger)) return
        if (await this.#disk.removeWhile(path, this.#path, this.#seen)) return
      }
      throw derrickError(
        'destination',
        'destination.ledger_busy',
        `${this.#path} grew each time before ${path} could be removed`,
        { retryable: true },
      )
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

  async #open(create: boolean): Promise<boolean> {
    const found = await this.#disk.stat(this.#path)
    if (this.#file && found?.inode === this.#inode && found.size >= this.#offset) return true
    await this.#forget()
    if (!found && !create) return false
    const folder = await this.#folders.make(ledgerFolder(this.#target))
    this.#file = await this.#disk.openAppend(this.#path, create)
    this.#inode = await this.#file.inode()
    if (!found) await this.#disk.syncFolder(folder)
    return true
  }

  async #forget(): Promise<void> {
    const file = this.#file
    this.#file = null
    this.#offset = 0
    this.#ledger = new Ledger()
    await file?.close()
  }

  /** Applies the whole lines after what was read last; true when `expected` is among them. */
  async #catchUp(expected?: string): Promise<boolean> {
    if (!this.#file) return false
    let found = false
    let kept = Buffer.alloc(0)
    for (;;) {
      const into = Buffer.allocUnsafe(readBytes)
      const count = await this.#file.read(into, this.#offset + kept.byteLength)
      if (count === 0) {
        this.#seen = this.#offset + kept.byteLength
        return found
      }
      kept = Buffer.concat([kept, into.subarray(0, count)])
      const end = kept.lastIndexOf(newline) + 1
      for (const text of kept.toString('utf8', 0, end).split('\n')) {
        if (text === '') continue
        if (text === expected) found = true
        const line = parseLine(text, this.#target)
        if (line) this.#ledger.apply(line)
      }
      this.#offset += end
      kept = kept.subarray(end)
    }
  }
}
