import type { JobRange, Target } from '../../schema/protocol.ts'
import { destinationKind } from './index.ts'
import { SpoolPool } from './spool-pool.ts'
import type { DestinationWriter } from './writer.ts'

/** A destination of one config version, with the ranges that use it. */
export interface DestinationLease {
  writer: DestinationWriter
  /** Ends this use; the connection closes with the last one when a newer config or a close is waiting for it. */
  release(): Promise<void>
}

interface Entry {
  writer: Promise<DestinationWriter>
  configVersion: number
  uses: number
  retired: boolean
}

/** The destinations of one worker: one writer each and config version, opened with the first use. */
export class DestinationRegistry {
  readonly spools: SpoolPool
  readonly #entries = new Map<string, Entry>()

  constructor(spools: SpoolPool = new SpoolPool()) {
    this.spools = spools
  }

  get size(): number {
    return this.#entries.size
  }

  /** The writer of a target's destination; an older config's writer closes when its ranges are done. */
  async use(target: Target): Promise<DestinationLease> {
    const { destinationId, configVersion } = target
    let entry = this.#entries.get(destinationId)
    if (entry && entry.configVersion !== configVersion) {
      void this.#retire(destinationId)
      entry = undefined
    }
    if (!entry) {
      entry = { writer: openWriter(target), configVersion, uses: 0, retired: false }
      this.#entries.set(destinationId, entry)
    }
    const held = entry
    held.uses += 1
    let released = false
    const release = async (): Promise<void> => {
      if (released) return
      released = true
      held.uses -= 1
      if (held.retired && held.uses === 0) await close(held)
    }
    try {
      return { writer: await held.writer, release }
    } catch (error) {
      if (this.#entries.get(destinationId) === held) this.#entries.delete(destinationId)
      await release()
      throw error
    }
  }

  /** Removes what a stream committed. */
  async clear(target: Target): Promise<void> {
    const lease = await this.use(target)
    try {
      await lease.writer.clear(target)
    } finally {
      await lease.release()
    }
  }

  /** Removes what a stream committed of some ranges. */
  async clearRanges(target: Target, ranges: JobRange[]): Promise<void> {
    const lease = await this.use(target)
    try {
      await lease.writer.clearRanges(target, ranges)
    } finally {
      await lease.release()
    }
  }

  /** Closes a destination's connection, after the ranges that still use it. */
  closeDestination(destinationId: string): Promise<void> {
    return this.#retire(destinationId)
  }

  async #retire(destinationId: string): Promise<void> {
    const entry = this.#entries.get(destinationId)
    if (!entry) return
    this.#entries.delete(destinationId)
    entry.retired = true
    if (entry.uses === 0) await close(entry)
  }
}

async function openWriter(target: Target): Promise<DestinationWriter> {
  return (await destinationKind(target.type)).openWriter(target.config)
}

/** A connection that can't be closed properly is gone anyway; nothing that was committed hangs on it. */
async function close(entry: Entry): Promise<void> {
  try {
    await (await entry.writer).close()
  } catch {
    // see above
  }
}
