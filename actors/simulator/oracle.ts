/**
 * The judge: what a correct read must contain, computed the slow and obvious way. It shares the
 * records with the server but none of the server's indexes, filters, paging or caches.
 */
import { baseHour, livesInHour, longestLifeMs, type Version } from './life.ts'
import { recordKey, recordText } from './record.ts'
import { epochMs, hourMs, openShop, type ShopOptions, type StreamName } from './shop.ts'

export interface ExpectedRecord {
  /** the primary key's value, as text */
  key: string
  /** the record's own time: its cursor field, epoch ms (products: its last change) */
  atMs: number
  /** exact JSON text; JSON.parse loses the integers beyond 2^53 */
  json: string
}

/**
 * What a read of the half-open range [start, end) (epoch ms) must contain when the API is asked at
 * `asOfMs`: every record exactly once, in its then newest state. In order of time, then creation.
 */
export function expectedRecords(
  options: ShopOptions,
  stream: StreamName,
  range: { start: number; end: number },
  asOfMs: number,
): ExpectedRecord[] {
  const shop = openShop(options)
  const found: Version[] = []
  const longest = longestLifeMs[stream]
  const first = Math.max(shop.startMs, Number.isFinite(longest) ? range.start - longest : epochMs)
  const last = Math.min(range.end, asOfMs + 1)
  const visit = (hour: number): void => {
    for (const life of livesInHour(shop, stream, hour)) {
      const shown = life.versions.find(
        ({ fromMs, untilMs }) => fromMs <= asOfMs && asOfMs < untilMs,
      )
      if (shown !== undefined && shown.atMs >= range.start && shown.atMs < range.end)
        found.push(shown)
    }
  }
  visit(baseHour)
  for (let hour = Math.floor(first / hourMs); hour * hourMs < last; hour += 1) {
    if (hour !== baseHour) visit(hour)
  }
  found.sort(byTime)
  return found.map((version) => ({
    key: recordKey(stream, version),
    atMs: version.atMs,
    json: recordText(shop, stream, version),
  }))
}

/** Everything the stream shows at `asOfMs`: what a full read, or all ranges together, must contain. */
export function expectedAll(
  options: ShopOptions,
  stream: StreamName,
  asOfMs: number,
): ExpectedRecord[] {
  return expectedRecords(options, stream, { start: 0, end: Number.MAX_SAFE_INTEGER }, asOfMs)
}

function byTime(a: Version, b: Version): number {
  return a.atMs - b.atMs || a.life.hour - b.life.hour || a.life.index - b.life.index
}
