/** What ran in one hour, as `GET /stats` has it: hours without runs are left out. */
export interface HourStats {
  hour: string
  runs: number
  failed: number
  records: number
  bytes: number
}

export interface Bar {
  /** epoch ms of the hour's start */
  at: number
  runs: number
  failed: number
  records: number
  /** of the highest bar, 0 to 1; what has records is never lower than what can be seen */
  height: number
}

const hourMs = 3_600_000
const shownHours = 24
const lowest = 0.04

/** The last 24 hours, oldest first, the one that runs now being the last. */
export function barsOf(hours: readonly HourStats[], now: number): Bar[] {
  const known = new Map(hours.map((one) => [Date.parse(one.hour), one]))
  const last = Math.floor(now / hourMs) * hourMs
  const bars = Array.from({ length: shownHours }, (_, i) => {
    const at = last - (shownHours - 1 - i) * hourMs
    const { runs = 0, failed = 0, records = 0 } = known.get(at) ?? {}
    return { at, runs, failed, records }
  })
  const highest = Math.max(...bars.map(({ records }) => records))
  return bars.map((bar) => ({
    ...bar,
    height: bar.records === 0 ? 0 : Math.max(lowest, bar.records / highest),
  }))
}
