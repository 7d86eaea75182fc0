/** What the shop's data depend on. Two shops that are equal here hold the same records for ever. */
import { hash } from './hash.ts'

export const streamNames = ['orders', 'events', 'customers', 'products', 'refunds'] as const
export type StreamName = (typeof streamNames)[number]

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
/** Nothing exists before this instant; ids count hours from here. */
export const epochMs = Date.UTC(2010, 0, 1)

/** How much of a stream there is and how its records live. */
export interface StreamData {
  /** records created on an average day of 2025 */
  perDay: number
  /** records that are older than history itself (products only) */
  base: number
  /** mean number of changes after creation (orders, customers, products) */
  updates: number
  /** share of records that appear in the API late, up to `lateMaxMs` after their own time */
  lateShare: number
  lateMaxMs: number
  /** every record appears up to this long after its own time, as in an eventually consistent API */
  lagMs: number
  /** share of records that are hard deleted (refunds) or flagged deleted (customers) at some time */
  deletedShare: number
  /** what the record's times are cut to */
  precisionMs: 1 | 1000
  /** more records from this instant on, so that somebody who watches sees the shop move */
  live: { fromMs: number; perSecond: number } | null
}

export interface Shop {
  /** any integer */
  seed: number
  /** history begins here: records created earlier do not exist */
  startMs: number
  streams: Record<StreamName, StreamData>
}

/** What a caller says about the shop; everything but the start has a default. */
export interface ShopOptions {
  seed?: number
  startMs: number
  streams?: Partial<Record<StreamName, Partial<StreamData>>>
}

const quiet: StreamData = {
  perDay: 0,
  base: 0,
  updates: 0,
  lateShare: 0,
  lateMaxMs: 0,
  lagMs: 0,
  deletedShare: 0,
  precisionMs: 1,
  live: null,
}

const defaults: Record<StreamName, StreamData> = {
  orders: { ...quiet, perDay: 300, updates: 1.6 },
  events: { ...quiet, perDay: 2000, lateShare: 0.03, lateMaxMs: 36 * hourMs, precisionMs: 1000 },
  customers: { ...quiet, perDay: 40, updates: 1.2, deletedShare: 0.02, precisionMs: 1000 },
  products: { ...quiet, perDay: 0.5, base: 240, updates: 1 },
  refunds: { ...quiet, perDay: 20, deletedShare: 0.08 },
}

/** More a day would run out of ids within an hour. */
const maxPerDay = 5_000_000
const maxLivePerSecond = 100

/** Fills in the defaults; throws a RangeError that names the field which cannot be. */
export function openShop(options: ShopOptions): Shop {
  const { startMs, seed = 1 } = options
  if (!Number.isSafeInteger(seed)) throw new RangeError('seed: an integer is needed')
  if (!Number.isSafeInteger(startMs) || startMs < epochMs) {
    throw new RangeError('startMs: epoch milliseconds from 2010-01-01 on are needed')
  }
  const streams = { ...defaults }
  for (const name of streamNames) {
    const data = { ...defaults[name], ...options.streams?.[name] }
    if (!(data.perDay >= 0 && data.perDay <= maxPerDay)) {
      throw new RangeError(`streams.${name}.perDay: 0 to ${maxPerDay} is possible`)
    }
    if (
      data.live !== null &&
      !(data.live.perSecond > 0 && data.live.perSecond <= maxLivePerSecond)
    ) {
      throw new RangeError(`streams.${name}.live.perSecond: up to ${maxLivePerSecond} is possible`)
    }
    streams[name] = data
  }
  return { seed, startMs, streams }
}

/** The 32 bits that everything random about a record is drawn from. */
export function identity(shop: Shop, stream: StreamName, hour: number, index: number): number {
  return hash(shop.seed ^ Math.imul(streamNames.indexOf(stream) + 1, 0x5bd1e995), hour, index, 0)
}
