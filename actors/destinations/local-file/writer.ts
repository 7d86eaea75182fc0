import type { LocalFileConfig } from '../../../schema/destination.ts'
import type { JobRange, Target } from '../../../schema/protocol.ts'
import type { DestinationWriter, RangeContext, RangeWriter } from '../writer.ts'
import { LocalFileAttempt, type StreamFolder } from './attempt.ts'
import { type Disk, nodeDisk } from './disk.ts'
import { Folders } from './folders.ts'
import { ledgerFolder, ledgerName } from './layout.ts'
import { lineBounds } from './ledger-line.ts'
import { type CompactionRule, LedgerLog } from './ledger-log.ts'
import { clearStream } from './roll-forward.ts'

/** Writes ranges as files under one folder. Streams share nothing but that folder. */
export class LocalFileWriter implements DestinationWriter {
  readonly #config: LocalFileConfig
  readonly #disk: Disk
  readonly #rule: CompactionRule | undefined
  readonly #folders: Folders
  readonly #streams = new Map<string, StreamFolder>()

  constructor(config: LocalFileConfig, disk: Disk = nodeDisk, rule?: CompactionRule) {
    this.#config = config
    this.#disk = disk
    this.#rule = rule
    this.#folders = new Folders(disk, config.path)
  }

  openRange(context: RangeContext): RangeWriter {
    return new LocalFileAttempt(this.#stream(context.target), context)
  }

  async clear(target: Target): Promise<void> {
    await clearStream(this.#stream(target))
  }

  async clearRanges(target: Target, ranges: JobRange[]): Promise<void> {
    await clearStream(this.#stream(target), ranges.map(lineBounds))
  }

  async close(): Promise<void> {
    for (const { log } of this.#streams.values()) await log.close()
    this.#streams.clear()
  }

  #stream(target: Target): StreamFolder {
    const key = `${ledgerFolder(target)}/${ledgerName(target)}`
    const known = this.#streams.get(key)
    if (known) return known
    const log = new LedgerLog(this.#disk, this.#folders, target, this.#rule)
    const stream = { disk: this.#disk, folders: this.#folders, log, config: this.#config }
    this.#streams.set(key, stream)
    return stream
  }
}
