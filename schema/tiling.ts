/**
 * Cutting time into ranges. A day is [first instant of a local date, first instant of the next existing date);
 * hours are that start plus k × 3,600 s, the last one cut at the day's end. So zones that skip a date, or shift by
 * half an hour, tile without gap or overlap. All times are epoch milliseconds.
 */
import type { Granularity } from './stream.ts'

export interface Interval {
  start: number
  end: number
}

const hourMs = 3_600_000

const zoned = (t: number, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(t).toZonedDateTimeISO(zone)

/** First instant of the local date that holds `t`. */
function dayStart(t: number, zone: string): number {
  return zoned(t, zone).startOfDay().epochMilliseconds
}

/** First instant of the next local date that exists. */
function nextDay(t: number, zone: string): number {
  let date = zoned(t, zone).toPlainDate()
  for (;;) {
    date = date.add({ days: 1 })
    const next = date.toZonedDateTime({ timeZone: zone }).epochMilliseconds
    if (next > t) return next
  }
}

/** A local date as time: [start, end). */
const dayOf = (t: number, zone: string): Interval => ({
  start: dayStart(t, zone),
  end: nextDay(t, zone),
})

/** The smallest boundary after `t`, which is in this day. */
function nextWithin({ start, end }: Interval, t: number, granularity: Granularity): number {
  if (granularity === 'day') return end
  return Math.min(start + (Math.floor((t - start) / hourMs) + 1) * hourMs, end)
}

/** The largest boundary at or before `t`, which is in the day that starts there. */
const lastWithin = (dayStart: number, t: number, granularity: Granularity): number =>
  granularity === 'day' ? dayStart : dayStart + Math.floor((t - dayStart) / hourMs) * hourMs

/** The smallest boundary after `t`. */
export function nextBoundary(t: number, granularity: Granularity, zone: string): number {
  return nextWithin(dayOf(t, zone), t, granularity)
}

/** The largest boundary at or before `t`. */
export function boundaryAt(t: number, granularity: Granularity, zone: string): number {
  return lastWithin(dayStart(t, zone), t, granularity)
}

/** Ranges that follow `from` without gap, the last one ending after `until` (or at it); at most `limit`. */
export function tilesForward(
  from: number,
  until: number,
  granularity: Granularity,
  zone: string,
  limit: number,
): Interval[] {
  const tiles: Interval[] = []
  let start = from
  // Calendars are slow: each day is asked for once.
  let day = dayOf(from, zone)
  while (start < until && tiles.length < limit) {
    if (start >= day.end) day = { start, end: nextDay(start, zone) }
    const end = nextWithin(day, start, granularity)
    tiles.push({ start, end })
    start = end
  }
  return tiles
}

/** Ranges that lead up to `to`, latest first, the last one starting at or before `until`; at most `limit`. */
export function tilesBackward(
  to: number,
  until: number,
  granularity: Granularity,
  zone: string,
  limit: number,
): Interval[] {
  const tiles: Interval[] = []
  let end = to
  let firstOfDay = dayStart(to - 1, zone)
  while (end > until && tiles.length < limit) {
    if (end <= firstOfDay) firstOfDay = dayStart(end - 1, zone)
    const start = lastWithin(firstOfDay, end - 1, granularity)
    tiles.push({ start, end })
    end = start
  }
  return tiles
}

/** Epoch ms of a StartDate: a plain date means its first instant in the zone. Undefined when it is neither. */
export function startDateMs(text: string, zone: string): number | undefined {
  try {
    if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
      return Temporal.PlainDate.from(text).toZonedDateTime({ timeZone: zone }).epochMilliseconds
    }
    return Temporal.Instant.from(text).epochMilliseconds
  } catch {
    return undefined
  }
}

/** True when the runtime knows this IANA zone. */
export function isZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone)
    return true
  } catch {
    return false
  }
}

/** Local date `YYYY-MM-DD` and hour `HH` at `t`. */
export function localDateHour(t: number, zone: string): { date: string; hour: string } {
  const local = zoned(t, zone)
  return { date: local.toPlainDate().toString(), hour: String(local.hour).padStart(2, '0') }
}
