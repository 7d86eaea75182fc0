import { createSignal } from 'solid-js'

type CronClass = typeof import('croner').Cron

const [cron, setCron] = createSignal<CronClass>()
let asked = false
/** Next runs by schedule and zone; each holds until its time has come. */
const known = new Map<string, number>()

/**
 * Epoch ms of a schedule's next run; undefined while the cron reader is still loading, for a
 * schedule that never runs again, and for one that can't be read. Reactive.
 */
export function nextRun(schedule: string, zone: string, now: number): number | undefined {
  const Cron = cron()
  if (!Cron) {
    if (!asked) {
      asked = true
      // Loaded after the first paint: it is a nicety, and a third of the shell's size.
      import('croner').then((module) => setCron(() => module.Cron)).catch(() => {})
    }
    return undefined
  }
  const key = `${schedule} ${zone}`
  const found = known.get(key)
  if (found !== undefined && found > now) return found
  try {
    const next = new Cron(schedule, { timezone: zone, paused: true }).nextRun(new Date(now))
    if (!next) return undefined
    known.set(key, next.getTime())
    return next.getTime()
  } catch {
    return undefined
  }
}
