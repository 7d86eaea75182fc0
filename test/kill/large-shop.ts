import { dayMs, hourMs, openShop, type ShopOptions } from '../../actors/simulator/shop.ts'
import { birthsInHour } from '../../actors/simulator/volume.ts'

/** How much a run at scale reads. */
export interface LargeShop {
  /** the judge's and the server's: with the same options both know the same records */
  options: ShopOptions & { startMs: number }
  /** where the shop's clock stands, epoch ms */
  nowMs: number
  days: number
}

/** Its last day ended before the program's clock came to it: every day is closed, and read once. */
const behindMs = 3 * dayMs
const little = 1.01

/**
 * A shop with at least so many events over so many days, none of which ever changes. A day's number follows from seed and
 * date, so neither side holds more than the days it looks at.
 */
export function largeShop(seed: number, records: number, days: number): LargeShop {
  const nowMs = Math.floor((Date.now() - behindMs) / dayMs) * dayMs
  const startMs = nowMs - days * dayMs
  const optionsFor = (perDay: number) => ({
    seed,
    startMs,
    streams: {
      events: { perDay, lateShare: 0 },
      orders: { perDay: 0 },
      customers: { perDay: 0 },
      products: { perDay: 0, base: 0 },
      refunds: { perDay: 0 },
    },
  })
  // Shops grow over the years: what an average day must have shows in the whole.
  const even = records / days
  const perDay = even * (records / countOf(optionsFor(even), nowMs)) * little
  return { options: optionsFor(perDay), nowMs, days }
}

function countOf(options: ShopOptions, nowMs: number): number {
  const shop = openShop(options)
  let count = 0
  for (let at = options.startMs; at < nowMs; at += hourMs) {
    count += birthsInHour(shop, 'events', at / hourMs)
  }
  return Math.max(1, count)
}
