/** Numbers, times and sizes as people read them. Times are UTC unless a zone is given. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

export const count = (value: number): string => whole.format(value)
/** 1.2K, 3.4M: for speeds and narrow places. */
export const short = (value: number): string =>
  value < 10_000 ? whole.format(value) : compact.format(value)

const units = ['B', 'KB', 'MB', 'GB', 'TB']

export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `0.4 s`, `12 s`, `3 min`, `2 h 5 min`, `4 d 3 h`. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`
}

/** `just now`, `5 min ago`, `in 3 h`. Days and more are said as days. */
export function ago(at: number, now: number): string {
  const ms = now - at
  if (Math.abs(ms) < 5_000) return ms >= 0 ? 'just now' : 'now'
  const seconds = Math.abs(ms) / 1_000
  const text =
    seconds < 60
      ? `${Math.round(seconds)} s`
      : seconds < 3_600
        ? `${Math.round(seconds / 60)} min`
        : seconds < 172_800
          ? `${Math.round(seconds / 3_600)} h`
          : `${Math.round(seconds / 86_400)} d`
  return ms >= 0 ? `${text} ago` : `in ${text}`
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatter(kind: 'minute' | 'second' | 'day', zone: string): Intl.DateTimeFormat {
  const key = `${kind} ${zone}`
  let found = formats.get(key)
  if (!found) {
    found = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      year: 'numeric',
      month: 'short',
      day: 'numeric',
      ...(kind === 'day'
        ? { weekday: 'short' }
        : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
      ...(kind === 'second' ? { second: '2-digit' } : {}),
    })
    formats.set(key, found)
  }
  return found
}

/** `24 Nov 2026, 16:05` */
export const moment = (at: number | string, zone = 'UTC'): string =>
  formatter('minute', zone).format(new Date(at))
/** `24 Nov 2026, 16:05:09` */
export const exact = (at: number | string, zone = 'UTC'): string =>
  formatter('second', zone).format(new Date(at))
/** `Tue, 24 Nov 2026` */
export const day = (at: number | string, zone = 'UTC'): string =>
  formatter('day', zone).format(new Date(at))

/** A range's bounds: the day alone for one day, else from and to; the end's date only if it differs. */
export function rangeText(start: number, end: number, hourly: boolean, zone = 'UTC'): string {
  if (!hourly) return day(start, zone)
  const [from, to] = [moment(start, zone), moment(end, zone)]
  const sameDay = from.slice(0, -5) === to.slice(0, -5)
  return `${from} – ${sameDay ? to.slice(-5) : to}`
}

/** `oldest_first` → `oldest first` */
export const words = (name: string): string => name.replaceAll('_', ' ')
