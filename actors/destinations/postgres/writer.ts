import { defaultCommitSlots, type PostgresConfig } from '../../../schema/destination.ts'
import type { JobRange, Target } from '../../../schema/protocol.ts'
import type { DestinationWriter, RangeContext, RangeWriter } from '../writer.ts'
import { PostgresAttempt, type Stream } from './attempt.ts'
import { Claims } from './claims.ts'
import { clearRanges, clearStream } from './clear.ts'
import { tableNames } from './ledger.ts'
import { Sessions } from './sessions.ts'
import { SmallCommits } from './small-commits.ts'
import { parseAddress } from './url.ts'
import type { Patience } from './watchdog.ts'

/** One database. Commits hold a connection each for as long as they take; one more is for claims and the like. */
export class PostgresWriter implements DestinationWriter {
  readonly #sessions: Sessions
  readonly #streams = new Map<string, Stream>()

  readonly #chunkBytes: number | undefined

  constructor(config: PostgresConfig, options: { chunkBytes?: number; patience?: Patience } = {}) {
    this.#chunkBytes = options.chunkBytes
    this.#sessions = new Sessions(
      parseAddress(config),
      (config.commit_slots ?? defaultCommitSlots) + 1,
      options.patience,
    )
  }

  openRange(context: RangeContext): RangeWriter {
    return new PostgresAttempt(
      this.#sessions,
      this.#stream(context.target),
      context,
      this.#chunkBytes,
    )
  }

  async clear(target: Target): Promise<void> {
    await clearStream(this.#sessions, target)
    this.#streams.delete(tableKey(target))
  }

  async clearRanges(target: Target, ranges: JobRange[]): Promise<void> {
    await clearRanges(this.#sessions, target, ranges)
  }

  async close(): Promise<void> {
    await this.#sessions.close()
    this.#streams.clear()
  }

  #stream(target: Target): Stream {
    const key = tableKey(target)
    const known = this.#streams.get(key)
    if (known) return known
    const table = { info: null }
    const stream = {
      table,
      claims: new Claims(this.#sessions, tableNames(target)),
      small: new SmallCommits(this.#sessions, table),
    }
    this.#streams.set(key, stream)
    return stream
  }
}

/** Two streams on one table must not share what one of them proved to be its own. */
const tableKey = (target: Target): string => `${tableNames(target).full} ${target.streamKey}`
