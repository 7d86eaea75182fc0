/** Starts of ranges in seconds, cut the plain way: what the calendar has to lay out. */

const hour = 3_600

/** First instants of `count` local days that exist in the zone. */
export function tileDays(from: string, count: number, zone: string): number[] {
  const starts: number[] = []
  let day = Temporal.PlainDate.from(from)
  while (starts.length < count) {
    const start = day.toZonedDateTime(zone)
    // A date that a zone skipped gives the next day's start again.
    const seconds = Math.floor(start.epochMilliseconds / 1_000)
    if (seconds !== starts.at(-1)) starts.push(seconds)
    day = day.add({ days: 1 })
  }
  return starts
}

/** Hours of `count` local days, each counted from its day's start. */
export function tileHours(from: string, count: number, zone: string): number[] {
  const days = tileDays(from, count + 1, zone)
  const starts: number[] = []
  for (let i = 0; i < count; i++) {
    for (let at = days[i] as number; at < (days[i + 1] as number); at += hour) starts.push(at)
  }
  return starts
}
