import { defaultCommitSlots, type PostgresConfig } from '../../../schema/destination.ts'
import type { Target } from '../../../schema/protocol.ts'
import type { DestinationWriter, RangeContext, RangeWriter } from '../writer.ts'
import { PostgresAttempt, type StreamTable } from './attempt.ts'
import { clearStream } from './clear.ts'
import { tableNames } from './ledger.ts'
import { Sessions } from './sessions.ts'
import { parseAddress } from './url.ts'

/** One database. Commits hold a connection each for as long as they take; one more is for claims and the like. */
export class PostgresWriter implements DestinationWriter {
  readonly #sessions: Sessions
  readonly #tables = new Map<string, StreamTable>()

  readonly #chunkBytes: number | undefined

  constructor(config: PostgresConfig, options: { chunkBytes?: number } = {}) {
    this.#chunkBytes = options.chunkBytes
    this.#sessions = new Sessions(
      parseAddress(config),
      (config.commit_slots ?? defaultCommitSlots) + 1,
    )
  }

  openRange(context: RangeContext): RangeWriter {
    return new PostgresAttempt(
      this.#sessions,
      this.#table(context.target),
      context,
      this.#chunkBytes,
    )
  }

  async clear(target: Target): Promise<void> {
    await clearStream(this.#sessions, target)
    this.#tables.delete(tableKey(target))
  }

  async close(): Promise<void> {
    await this.#sessions.close()
    this.#tables.clear()
  }

  #table(target: Target): StreamTable {
    const key = tableKey(target)
    const known = this.#tables.get(key)
    if (known) return known
    const table = { info: null }
    this.#tables.set(key, table)
    return table
  }
}

/** Two streams on one table must not share what one of them proved to be its own. */
const tableKey = (target: Target): string => `${tableNames(target).full} ${target.streamKey}`
