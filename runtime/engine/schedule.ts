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

const upcoming = new Map<string, { from: number; at: number | null }>()

/** As `nextFire`, remembered until it has come: lists show many streams with few schedules. */
export function upcomingFire(pattern: string, zone: string, now: number): number | null {
  const key = `${zone} ${pattern}`
  const known = upcoming.get(key)
  if (known && now >= known.from && (known.at === null || now < known.at)) return known.at
  const at = nextFire(pattern, zone, now)
  if (upcoming.size >= maxRemembered) upcoming.clear()
  upcoming.set(key, { from: now, at })
  return at
}

/** Patterns remembered at most: streams share them, and thousands of others are no trouble. */
const maxRemembered = 2_000

/**
 * Answers whether a schedule is due: it fired since it was last answered. Ticks that were missed, by sleep or by a stopped
 * process, coalesce into one; a clock that went back fires nothing twice. Between two times of a pattern nothing is
 * computed: hundreds of streams are asked at each tick.
 */
export function makeDueCheck(): (
  pattern: string,
  zone: string,
  since: number,
  now: number,
) => boolean {
  const known = new Map<string, { last: number | null; from: number; until: number }>()
  return (pattern, zone, since, now) => {
    const key = `${zone} ${pattern}`
    let fires = known.get(key)
    if (!fires || now < fires.from || now >= fires.until) {
      const until = nextFire(pattern, zone, now) ?? Number.POSITIVE_INFINITY
      fires = { last: lastFire(pattern, zone, now), from: now, until }
      if (known.size >= maxRemembered) known.clear()
      known.set(key, fires)
    }
    return fires.last !== null && fires.last > since
  }
}
