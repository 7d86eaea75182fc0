import { hash } from './hash.ts'
import { hourMs, type Shop, type StreamName, streamNames } from './shop.ts'

/** Share of a day's records by hour of the day (UTC): quiet nights, a lunch bump, busy evenings. */
const hourShape = [
  1.4, 0.9, 0.6, 0.4, 0.4, 0.6, 1.2, 2.4, 3.8, 5.0, 5.6, 6.0, 6.6, 6.2, 5.6, 5.4, 5.6, 6.2, 7.2,
  8.0, 8.2, 6.6, 4.2, 1.9,
]
const hourTotal = hourShape.reduce((sum, share) => sum + share, 0)
/** Sunday first. */
const weekdayShape = [0.82, 0.96, 0.95, 0.98, 1.02, 1.18, 1.09]

const growthStartMs = Date.UTC(2025, 0, 1)
const yearMs = 365.25 * 24 * hourMs
const yearlyGrowth = 0.15

/**
 * How many records of a stream are created in an hour (`hour` counts from 1970), live ones not
 * counted. Does not depend on where history starts: a shop opened later agrees on the overlap.
 */
export function birthsInHour(shop: Shop, stream: StreamName, hour: number): number {
  const { perDay } = shop.streams[stream]
  if (perDay === 0) return 0
  const startMs = hour * hourMs
  const weekday = weekdayShape[(Math.floor(hour / 24) + 4) % 7] ?? 1
  const share = (hourShape[hour % 24] ?? 0) / hourTotal
  // never below a tenth, so that history of 2010 is thin and not empty
  const growth = Math.max(0.1, 1 + (yearlyGrowth * (startMs - growthStartMs)) / yearMs)
  const h = hash(shop.seed, 0x766f6c, streamNames.indexOf(stream), hour)
  const noise = 0.8 + 0.4 * (h / 0x1_0000_0000)
  const rounding = hash(shop.seed, 0x726e64, streamNames.indexOf(stream), hour) / 0x1_0000_0000
  return Math.floor(perDay * share * weekday * growth * noise + rounding)
}
