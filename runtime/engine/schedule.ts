/** What a tick finds due: pure but for croner's parsing. */
import { Cron } from 'croner'

/** The last time at or before `now` at which a schedule fired; null when it never did or the pattern is wrong. */
export function lastFire(pattern: string, zone: string, now: number): number | null {
  try {
    const runs = new Cron(pattern, { timezone: zone, paused: true }).previousRuns(
      1,
      new Date(now + 1),
    )
    return runs[0]?.getTime() ?? null
  } catch {
    return null
  }
}

/** The next time at which a schedule fires; null when it never does. */
export function nextFire(pattern: string, zone: string, now: number): number | null {
  try {
    return (
      new Cron(pattern, { timezone: zone, paused: true }).nextRun(new Date(now))?.getTime() ?? null
    )
  } catch {
    return null
  }
}

/**
 * Whether a schedule is due: it fired since it was last answered. Ticks that were missed, by sleep or by a stopped
 * process, coalesce into one; a clock that went back fires nothing twice.
 * @param since when it was last answered, or when the schedule was set
 */
export function isDue(pattern: string, zone: string, since: number, now: number): boolean {
  const fired = lastFire(pattern, zone, now)
  return fired !== null && fired > since
}
