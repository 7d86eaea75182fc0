/** Local days of instants, fast enough for tens of thousands of them. */

const daySeconds = 86_400

/** Seconds that a zone is ahead of UTC at an instant (seconds). Unknown zones count as UTC. */
function offsetFinder(zone: string): (seconds: number) => number {
  if (zone === 'UTC') return () => 0
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return () => 0
  }
  return (seconds) => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(seconds * 1_000)) part[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    const local = Date.UTC(year, month - 1, day, hour, minute, second) / 1_000
    return local - Math.floor(seconds)
  }
}

/**
 * Zone offsets with few questions to Intl: where both ends of a UTC day agree, so does the day.
 * (Two changes within one day do not happen in the time zone database since 1970.)
 */
export function zoneOffsets(zone: string): (seconds: number) => number {
  const exact = offsetFinder(zone)
  const atMidnight = new Map<number, number>()
  const midnight = (day: number): number => {
    let offset = atMidnight.get(day)
    if (offset === undefined) {
      offset = exact(day * daySeconds)
      atMidnight.set(day, offset)
    }
    return offset
  }
  return (seconds) => {
    const day = Math.floor(seconds / daySeconds)
    const offset = midnight(day)
    return offset === midnight(day + 1) ? offset : exact(seconds)
  }
}

/** Local day of an instant, as days since 1970-01-01, and the instant of its midnight by offset. */
export function localDay(
  seconds: number,
  offsetOf: (seconds: number) => number,
): { day: number; secondOfDay: number } {
  const local = seconds + offsetOf(seconds)
  const day = Math.floor(local / daySeconds)
  return { day, secondOfDay: local - day * daySeconds }
}
