/** A destination as all of them promise to be: fences, and commits that happen at one instant. */
import { crc32 } from 'node:zlib'
import type { DestinationRegistry } from '../../actors/destinations/registry.ts'
import { addChecksums } from '../../actors/destinations/row-hash.ts'
import { SpoolPool } from '../../actors/destinations/spool-pool.ts'
import type {
  DestinationKind,
  RangeContext,
  RangeWriter,
} from '../../actors/destinations/writer.ts'
import { derrickError } from '../../schema/error.ts'
import type { JobRange, Receipt } from '../../schema/protocol.ts'
import type { Random } from '../kill/random.ts'
import type { VirtualLoop } from './loop.ts'

interface Held {
  claimed: number
  committed: { receipt: Receipt; ids: Set<string> } | null
}

/** What happens to a writer's acts. */
export interface DestinationMood {
  /** share of acts that fail */
  failing: number
}

export class SimDestination {
  readonly #random: Random
  readonly #held = new Map<string, Held>()
  mood: DestinationMood = { failing: 0 }

  constructor(random: Random) {
    this.#random = random
  }

  held(streamKey: string, range: Pick<JobRange, 'kind' | 'start'>): Held {
    const key = `${streamKey} ${range.kind} ${range.start}`
    const known = this.#held.get(key)
    if (known) return known
    const made = { claimed: 0, committed: null }
    this.#held.set(key, made)
    return made
  }

  clear(streamKey: string, ranges?: readonly JobRange[]): void {
    for (const [key, held] of this.#held) {
      const isMeant = ranges
        ? ranges.some(({ kind, start }) => key === `${streamKey} ${kind} ${start}`)
        : key.startsWith(`${streamKey} `)
      if (!isMeant) continue
      held.committed = null
      held.claimed += 1
    }
  }

  /** As one worker sees it: what it waits for never comes once it is dead, what it has sent may still happen. */
  registry(loop: VirtualLoop, isDead: () => boolean): DestinationRegistry {
    const writer = { openRange: (context: RangeContext) => this.#writer(context, loop, isDead) }
    const lease = { writer, release: async () => {} }
    return { spools: new SpoolPool(), use: async () => lease } as unknown as DestinationRegistry
  }

  #writer(context: RangeContext, loop: VirtualLoop, isDead: () => boolean): RangeWriter {
    const { target, range, offeredFence, signal, spool } = context
    const held = this.held(target.streamKey, range)
    const ids = new Set<string>()
    let fence = 0
    const away = (): Promise<void> => this.#away(loop, isDead)
    const mayFail = (): void => {
      if (this.#random.chance(this.mood.failing))
        throw derrickError('destination', 'disk.enospc', 'the disk is full')
    }
    return {
      begin: async () => {
        await away()
        signal.throwIfAborted()
        mayFail()
        held.claimed = Math.max(held.claimed, offeredFence) + 1
        fence = held.claimed
        const { receipt } = held.committed ?? {}
        await away()
        const isNews = receipt && receipt.fence > (range.committedFence ?? 0)
        return { fence, holds: receipt?.fence ?? null, ...(isNews ? { recovered: receipt } : {}) }
      },
      writePage: async (page) => {
        await spool.append(page)
        for (const id of JSON.parse(new TextDecoder().decode(page.bytes))) ids.add(id)
      },
      commit: async ({ records, fetchedFrom, isPart }) => {
        await context.commitSlot()
        await away()
        signal.throwIfAborted()
        mayFail()
        if (held.claimed !== fence)
          throw derrickError('unknown', 'destination.fenced', 'a newer attempt has the range')
        const all = isPart && held.committed ? new Set([...held.committed.ids, ...ids]) : ids
        const some = { bytes: 1, rowsChanged: null, checksum: '1', committedAt: loop.now }
        const receipt = { ...some, fence, records, fetchedFrom }
        held.committed = { receipt, ids: all }
        await away()
        return receipt
      },
      abort: async () => {},
    }
  }

  #away(loop: VirtualLoop, isDead: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const ms = this.#random.chance(0.05) ? this.#random.between(0, 10_000) : 0
      loop.in(ms, () => {
        if (!isDead()) resolve()
      })
    })
  }
}

/** Rows are ids; the checksum is what the session compares. */
export const simKind = {
  type: 'local_file',
  makeEncoder: () => ({
    encode: (records) => {
      const ids = records.map((record) => String(record.id))
      const bytes = new Uint8Array(new TextEncoder().encode(JSON.stringify(ids)))
      const checksum = ids.reduce((sum, id) => addChecksums(sum, crc32(id)), 0)
      const meta = { columns: [], superseded: [], crc: crc32(bytes) }
      return { bytes, recordCount: ids.length, checksum, meta, rejects: [], sanitised: 0 }
    },
  }),
} as Pick<DestinationKind, 'type' | 'makeEncoder'> as DestinationKind
