import { baseHour, type Life, livesInHour, longestLifeMs, type Version } from './life.ts'
import { hourMs, type Shop, type StreamName } from './shop.ts'

/** What a stream shows of a window at one moment, in order. Valid while the clock stays in [asOf, validUntil). */
export interface Selection {
  /** differs from every other selection's: pages made from it can be cached under it */
  serial: number
  versions: Version[]
  asOfMs: number
  validUntilMs: number
}

export interface Timeline {
  select(range: { start: number; end: number } | null, asOfMs: number): Selection
}

/** Entries kept before the index starts afresh; about 100 bytes each. */
const maxVersions = 3_000_000
const maxSelections = 2000
/** Selections hold their versions also once the index has let go of them. */
const maxSelected = 1_000_000

let serials = 0

/**
 * An index of one stream by the records' own time, filled hour by hour as it is asked for. Selecting
 * a window costs its size once; until the next record in it changes, the answer is kept.
 */
export function createTimeline(shop: Shop, stream: StreamName): Timeline {
  const buckets = new Map<number, Version[]>()
  const sorted = new Set<number>()
  const spread = new Set<number>()
  const selections = new Map<string, Selection>()
  const longestHours = Math.ceil(longestLifeMs[stream] / hourMs)
  const firstHour = Math.floor(shop.startMs / hourMs)
  let versions = 0
  let selected = 0

  const forget = (key: string): void => {
    selected -= selections.get(key)?.versions.length ?? 0
    selections.delete(key)
  }
  const keep = (key: string, selection: Selection): void => {
    forget(key)
    selections.set(key, selection)
    selected += selection.versions.length
    for (const oldest of selections.keys()) {
      const isOver = selections.size > maxSelections || selected > maxSelected
      if (!isOver || oldest === key) break
      forget(oldest)
    }
  }
  const addHour = (hour: number): void => {
    if (spread.has(hour)) return
    spread.add(hour)
    for (const life of livesInHour(shop, stream, hour)) versions += place(buckets, sorted, life)
  }
  const bucket = (hour: number): Version[] => {
    const found = buckets.get(hour) ?? []
    if (!sorted.has(hour)) {
      found.sort(byTime)
      sorted.add(hour)
    }
    return found
  }
  const bound = (): void => {
    if (versions < maxVersions) return
    buckets.clear()
    sorted.clear()
    spread.clear()
    versions = 0
  }

  return {
    select(range, asOfMs) {
      const key = range === null ? '' : `${range.start} ${range.end}`
      const known = selections.get(key)
      if (known && known.asOfMs <= asOfMs && asOfMs < known.validUntilMs) return known
      bound()
      // a record of the hour that is just beginning may be the next thing to change
      const endMs = Math.min(range?.end ?? asOfMs + hourMs, asOfMs + hourMs)
      const startMs = Math.max(range?.start ?? 0, shop.startMs)
      const endHour = Math.ceil(endMs / hourMs)
      addHour(baseHour)
      const from = Math.max(firstHour, Math.floor(startMs / hourMs) - longestHours)
      for (let hour = from; hour < endHour; hour += 1) addHour(hour)
      const hours =
        range === null
          ? [...buckets.keys()].sort((a, b) => a - b)
          : Array.from(
              { length: Math.max(0, endHour - Math.floor(startMs / hourMs)) },
              (_, n) => Math.floor(startMs / hourMs) + n,
            )
      const selection = choose(hours.map(bucket), range, asOfMs, endMs)
      keep(key, selection)
      return selection
    },
  }
}

function place(buckets: Map<number, Version[]>, sorted: Set<number>, life: Life): number {
  for (const version of life.versions) {
    const hour = Math.floor(version.atMs / hourMs)
    const bucket = buckets.get(hour)
    if (bucket === undefined) buckets.set(hour, [version])
    else bucket.push(version)
    sorted.delete(hour)
  }
  return life.versions.length
}

function choose(
  buckets: Version[][],
  range: { start: number; end: number } | null,
  asOfMs: number,
  endMs: number,
): Selection {
  const versions: Version[] = []
  // beyond endMs nothing was looked at, so the answer is not known to hold past it
  let validUntilMs = endMs > asOfMs ? endMs : Number.POSITIVE_INFINITY
  for (const bucket of buckets) {
    for (const version of bucket) {
      if (range !== null && (version.atMs < range.start || version.atMs >= range.end)) continue
      if (version.fromMs > asOfMs) validUntilMs = Math.min(validUntilMs, version.fromMs)
      else if (asOfMs < version.untilMs) {
        versions.push(version)
        validUntilMs = Math.min(validUntilMs, version.untilMs)
      }
    }
  }
  serials += 1
  return { serial: serials, versions, asOfMs, validUntilMs }
}

function byTime(a: Version, b: Version): number {
  return a.atMs - b.atMs || a.life.hour - b.life.hour || a.life.index - b.life.index
}
