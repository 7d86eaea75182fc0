import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { LocalFileConfig } from '../../../schema/destination.ts'
import { derrickError } from '../../../schema/error.ts'
import type { Receipt } from '../../../schema/protocol.ts'
import { sabotage } from '../../../schema/sabotage.ts'
import { isSuspicious, shrunkFailure } from '../shrink.ts'
import type { RangeContext, RangeWriter, ReadReport, SpooledPage } from '../writer.ts'
import type { Disk } from './disk.ts'
import { diskFailure, passes } from './disk-failure.ts'
import type { Folders } from './folders.ts'
import { longRangeName, partName, rangeFolder, rangeName, tempName } from './layout.ts'
import type { Bounds, Commit, Ledger } from './ledger.ts'
import { type CommitLine, type LineBounds, lineBounds } from './ledger-line.ts'
import type { LedgerLog } from './ledger-log.ts'
import { previousRows } from './previous-rows.ts'
import {
  filesAreThere,
  finishClear,
  removeFiles,
  removeTemps,
  rollForward,
} from './roll-forward.ts'
import { rowTail } from './row-tail.ts'
import { writeParts } from './temp-files.ts'

/** Two attempts may claim at once; one of them is told so and claims again. */
const mostClaims = 64
const mebibyte = 1024 * 1024
const defaultFileMb = 1024

/** What an attempt shares with the others of its stream. */
export interface StreamFolder {
  disk: Disk
  folders: Folders
  log: LedgerLog
  config: LocalFileConfig
}

/** One attempt at one range in files. The log decides everything; this object only remembers who it is. */
export class LocalFileAttempt implements RangeWriter {
  readonly #stream: StreamFolder
  readonly #context: RangeContext
  readonly #bounds: Bounds
  readonly #lineBounds: LineBounds
  readonly #folder: string
  readonly #token = randomBytes(6).toString('hex')
  #fence: number | null = null
  #name: string

  constructor(stream: StreamFolder, context: RangeContext) {
    const { range, target } = context
    this.#stream = stream
    this.#context = context
    const full = range.kind === 'full'
    this.#bounds = full
      ? { start: -Infinity, end: Infinity }
      : { start: range.start, end: range.end }
    this.#lineBounds = lineBounds(range)
    this.#folder = rangeFolder(stream.config.partition ?? 'day', target, range)
    this.#name = rangeName(range)
  }

  begin(): Promise<{ fence: number; holds?: number | null; recovered?: Receipt }> {
    return this.#named(() => this.#begin())
  }

  async #begin(): Promise<{ fence: number; holds?: number | null; recovered?: Receipt }> {
    const ledger = await this.#claim()
    const fence = this.#fence as number
    await finishClear(this.#stream)
    const entry = ledger.entry(this.#bounds)
    if (!entry) throw fencedOff(this.#name)
    for (const claim of entry.unsettled) {
      // Temp files of a commit that counted are needed still; roll-forward takes care of those.
      if (claim.fence < fence && claim.token !== entry.commit?.token) {
        await removeTemps(this.#stream, claim)
      }
    }
    if (entry.commit && !entry.done) {
      await rollForward(this.#stream, entry, this.#lineBounds, 'earlier')
    }
    const { commit } = entry
    if (sabotage === 'cleanup_first' && commit) await removeFiles(this.#stream, commit)
    const known = this.#context.range.committedFence ?? 0
    if (commit && commit.fence > known && (await filesAreThere(this.#stream, commit))) {
      return { fence, recovered: receiptOf(commit) }
    }
    return { fence, holds: commit?.fence ?? null }
  }

  writePage(page: SpooledPage): Promise<void> {
    return this.#context.spool.append(page)
  }

  async commit(report: ReadReport): Promise<Receipt> {
    await this.#context.commitSlot()
    return this.#named(() => this.#commit(report))
  }

  async #commit(report: ReadReport): Promise<Receipt> {
    // A commit that failed after its line was durable goes on from there.
    const before = this.#own(await this.#stream.log.read())
    const commit = before ?? (await this.#makeDurable(report))
    const ledger = await this.#stream.log.read()
    const entry = ledger.entry(this.#bounds)
    if (entry && !entry.done && entry.commit?.token === this.#token) {
      await rollForward(this.#stream, entry, this.#lineBounds, 'own')
    }
    // The commit is through: a ledger that could not be compacted only stays long.
    await this.#stream.log.compact().catch(() => {})
    return receiptOf(commit)
  }

  async abort(): Promise<void> {
    const { log } = this.#stream
    if (this.#fence === null) return
    try {
      if (this.#own(await log.read())) return
      await removeTemps(this.#stream, this.#identity(this.#fence))
      await log.append({ kind: 'abort', ...this.#identity(this.#fence) })
    } catch {
      // The folder is gone or full: the next attempt finds this one in the log and removes what it left.
    }
  }

  isTransient(error: unknown): boolean {
    return passes(error)
  }

  async #named<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      if (this.#context.signal.aborted) throw error
      throw diskFailure(error, this.#stream.folders.root)
    }
  }

  async #claim(): Promise<Ledger> {
    const { folders, log } = this.#stream
    await folders.makeRoot()
    let ledger = await log.read(true)
    for (let tries = 0; tries < mostClaims; tries += 1) {
      const fence = ledger.nextFence(this.#bounds, this.#context.offeredFence)
      if (!Number.isSafeInteger(fence)) throw fencedOff(this.#name)
      ledger = await log.append({ kind: 'claim', ...this.#identity(fence) })
      this.#fence = fence
      if (ledger.entry(this.#bounds)?.claim === this.#token) return ledger
    }
    throw fencedOff(this.#name)
  }

  /** Writes, syncs and journals the files; from the moment the line is in the log the commit will be seen through. */
  async #makeDurable(report: ReadReport): Promise<Commit> {
    const { disk, folders, log, config } = this.#stream
    const { spool, range, signal } = this.#context
    const fence = this.#fence as number
    signal.throwIfAborted()
    if (report.isPart) throw notMergeable()
    const tailBytes = Buffer.byteLength(rowTail(range, report.fetchedFrom))
    const before = (await log.read()).entry(this.#bounds)?.commit ?? null
    await this.#guardAgainstShrinking(before, report)
    const any = spool.records > spool.superseded.size
    const folder = any ? await folders.make(this.#folder) : join(folders.root, this.#folder)
    const temp = (part: number): string => tempName(rangeName(range), fence, this.#token, part)
    const written = await writeParts(spool, {
      disk,
      folder,
      tempName: temp,
      targetBytes: (config.target_file_mb ?? defaultFileMb) * mebibyte,
      tailBytes,
      previous: await previousRows(disk, folders.root, before, tailBytes),
      signal,
    })
    if (written.parts.length > 0) await disk.syncFolder(folder)
    signal.throwIfAborted()
    const name = this.#freeName(await log.read())
    const line: CommitLine = {
      kind: 'commit',
      ...this.#identity(fence),
      files: written.parts.map(({ part, bytes, records }) => ({
        temp: `${this.#folder}/${temp(part)}`,
        path: `${this.#folder}/${partName(name, part)}`,
        bytes,
        records,
      })),
      records: written.records,
      bytes: written.bytes,
      rows_changed: changedRows(written, before),
      checksum: written.checksum,
      fetched_from: iso(report.fetchedFrom),
      committed_at: iso(Date.now()),
    }
    const commit = this.#own(await log.append(line, true))
    if (commit) return commit
    await removeTemps(this.#stream, this.#identity(fence))
    throw fencedOff(name)
  }

  /**
   * A read that found far too little for what is there is not believed at once: a full read never, a window when it is
   * read a second time. Records of an `updates` stream do move to later ranges, so nothing is wrong there.
   */
  async #guardAgainstShrinking(before: Commit | null, { records }: ReadReport): Promise<void> {
    const { target, range } = this.#context
    if (!before || !isSuspicious(range, before.records, records)) return
    const failure = shrunkFailure(range, before.records, records)
    if (range.kind === 'full') throw failure
    if (target.tracks === 'updates' && target.primaryKey.length > 0) return
    const ledger = await this.#stream.log.read()
    if (ledger.entry(this.#bounds)?.shrunk) return
    await this.#stream.log.append({ kind: 'shrunk', ...this.#identity(this.#fence as number) })
    throw failure
  }

  /** The range's usual name, unless another range with this start still has a file of that name. */
  #freeName(ledger: Ledger): string {
    const path = `${this.#folder}/${partName(this.#name, 1)}`
    return ledger.isTaken(path, this.#bounds) ? longRangeName(this.#context.range) : this.#name
  }

  #own(ledger: Ledger): Commit | null {
    const commit = ledger.entry(this.#bounds)?.commit ?? null
    return commit?.token === this.#token ? commit : null
  }

  #identity(fence: number) {
    const name = rangeName(this.#context.range)
    return { ...this.#lineBounds, fence, token: this.#token, folder: this.#folder, name }
  }
}

const iso = (time: number): string => new Date(time).toISOString()

const receiptOf = (commit: Commit): Receipt => ({
  fence: commit.fence,
  records: commit.records,
  bytes: commit.bytes,
  rowsChanged: commit.rows_changed,
  checksum: commit.checksum,
  fetchedFrom: Date.parse(commit.fetched_from),
  committedAt: Date.parse(commit.committed_at),
})

/** Rows that are new or other, or gone; null where the rows before can't be compared. */
function changedRows(
  { records, rowsChanged }: { records: number; rowsChanged: number | null },
  before: Commit | null,
): number | null {
  if (rowsChanged === null) return null
  const gone = Math.max(0, (before?.records ?? 0) - records)
  return rowsChanged + gone
}

const notMergeable = (): Error =>
  derrickError('destination', 'destination.part', 'files are replaced whole, not added to', {
    remedy: 'read the whole range',
  })

const fencedOff = (name: string): Error =>
  derrickError(
    'destination',
    'destination.fenced',
    `a newer attempt holds the range ${name}; this one wrote nothing`,
    { remedy: 'nothing to do: the newer attempt carries on', retryable: true },
  )
