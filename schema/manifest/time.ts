import { exactNumber } from './exact-number.ts'

/**
 * Times as APIs write them, to and from epoch ms. A format is one of the names below or a pattern of `%` directives
 * as in strftime. Nothing here reads a clock.
 */
export const namedFormats = [
  'iso',
  'iso_ms',
  'iso_micro',
  'iso_offset',
  'date',
  'epoch',
  'epoch_ms',
] as const

const zoned = (ms: number, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(zone)

const two = (value: number): string => (value < 10 ? `0${value}` : String(value))
const three = (value: number): string => String(value).padStart(3, '0')
const year = (value: number): string => String(value).padStart(4, '0')
const isoDate = (t: Temporal.ZonedDateTime) => `${year(t.year)}-${two(t.month)}-${two(t.day)}`
const clock = (t: Temporal.ZonedDateTime) => `${two(t.hour)}:${two(t.minute)}:${two(t.second)}`

const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const writers: Record<string, (t: Temporal.ZonedDateTime) => string> = {
  Y: (t) => year(t.year),
  y: (t) => two(t.year % 100),
  m: (t) => two(t.month),
  '-m': (t) => String(t.month),
  d: (t) => two(t.day),
  '-d': (t) => String(t.day),
  H: (t) => two(t.hour),
  I: (t) => two(t.hour % 12 || 12),
  M: (t) => two(t.minute),
  S: (t) => two(t.second),
  f: (t) => `${three(t.millisecond)}000`,
  L: (t) => three(t.millisecond),
  p: (t) => (t.hour < 12 ? 'AM' : 'PM'),
  z: (t) => t.offset.replace(':', ''),
  ':z': (t) => t.offset,
  s: (t) => String(Math.floor(t.epochMilliseconds / 1_000)),
  j: (t) => three(t.dayOfYear),
  F: isoDate,
  T: clock,
  a: (t) => (days[t.dayOfWeek - 1] as string).slice(0, 3),
  A: (t) => days[t.dayOfWeek - 1] as string,
  b: (t) => (months[t.month - 1] as string).slice(0, 3),
  B: (t) => months[t.month - 1] as string,
}

const maxPatternLength = 200
const directive = /%(-?[A-Za-z%]|:z)/g

/** Why a text is no format; undefined when it is one. */
export function formatProblem(format: string): string | undefined {
  if ((namedFormats as readonly string[]).includes(format)) return undefined
  if (format.length > maxPatternLength)
    return `a pattern has at most ${maxPatternLength} characters`
  if (!format.includes('%')) {
    return `expected ${namedFormats.join(', ')} or a pattern such as %Y-%m-%d`
  }
  for (const [text, letter] of format.matchAll(directive)) {
    if (letter !== '%' && !Object.hasOwn(writers, letter as string)) return `${text} is not known`
  }
  return undefined
}

/**
 * Epoch ms as text, or as a number for the epoch formats; smaller units are cut off.
 * @throws RangeError for an unknown zone or a time outside ±8.64e15
 */
export function formatTime(ms: number, format: string, zone = 'UTC'): string | number {
  if (format === 'epoch') return Math.floor(ms / 1_000)
  if (format === 'epoch_ms') return Math.floor(ms)
  const t = zoned(ms, zone)
  const offset = zone === 'UTC' ? 'Z' : t.offset
  switch (format) {
    case 'iso':
      return `${isoDate(t)}T${clock(t)}${offset}`
    case 'iso_ms':
      return `${isoDate(t)}T${clock(t)}.${three(t.millisecond)}${offset}`
    case 'iso_micro':
      return `${isoDate(t)}T${clock(t)}.${three(t.millisecond)}000${offset}`
    case 'iso_offset':
      return `${isoDate(t)}T${clock(t)}${t.offset}`
    case 'date':
      return isoDate(t)
  }
  return format.replace(directive, (text, letter: string) => {
    if (letter === '%') return '%'
    return Object.hasOwn(writers, letter) ? (writers[letter] as (typeof writers)[string])(t) : text
  })
}

const iso =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s?(Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?$/

/** Seconds, milliseconds, microseconds and nanoseconds are told apart by size: seconds reach to the year 5138. */
function epochMs(value: number): number | undefined {
  if (!Number.isFinite(value)) return undefined
  const size = Math.abs(value)
  if (size < 1e11) return Math.floor(value * 1_000)
  if (size < 1e14) return Math.floor(value)
  if (size < 1e17) return Math.floor(value / 1_000)
  return size < 1e20 ? Math.floor(value / 1_000_000) : undefined
}

/**
 * Epoch ms of a record's time, whatever common form it has: ISO with or without zone, date, epoch in seconds,
 * milliseconds, microseconds or nanoseconds (number or digits), RFC 2822. Without a zone of its own it is local to `zone`.
 */
export function instantOf(given: unknown, zone = 'UTC'): number | undefined {
  const value = exactNumber(given)
  if (typeof value === 'number') return epochMs(value)
  if (typeof value === 'bigint') return epochMs(Number(value))
  if (typeof value !== 'string') return undefined
  const match = iso.exec(value)
  if (match) return isoInstant(match, zone)
  if (/^-?\d{9,19}(\.\d{1,9})?$/.test(value)) return epochMs(Number(value))
  if (/^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} /.test(value) && value.length < 40) {
    const ms = Date.parse(value)
    return Number.isNaN(ms) ? undefined : ms
  }
  return undefined
}

function isoInstant(match: RegExpExecArray, zone: string): number | undefined {
  const part = (index: number) => Number(match[index] ?? 0)
  const fraction = milliseconds(match[7])
  const fields = [part(1), part(2), part(3), part(4), part(5), part(6)] as const
  return instantFrom(fields, fraction, match[8] ?? (zone === 'UTC' ? 'Z' : undefined), zone)
}

/** Of the digits after the point; finer ones are cut off. */
const milliseconds = (digits = ''): number => Number(`${digits}000`.slice(0, 3))

type Fields = readonly [number, number, number, number, number, number]

/** A local date and time with an offset text, or in a zone. Undefined for a date that does not exist. */
function instantFrom(
  [y, mo, d, h, mi, s]: Fields,
  milliseconds: number,
  offset: string | undefined,
  zone: string,
): number | undefined {
  if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 24 || mi > 59 || s > 60) return undefined
  const date = new Date(0)
  date.setUTCFullYear(y, mo - 1, d)
  if (date.getUTCMonth() !== mo - 1) return undefined
  const utc = date.setUTCHours(h, mi, s, milliseconds)
  if (offset === undefined) {
    try {
      return Temporal.Instant.fromEpochMilliseconds(utc)
        .toZonedDateTimeISO('UTC')
        .toPlainDateTime()
        .toZonedDateTime(zone).epochMilliseconds
    } catch {
      return undefined
    }
  }
  return utc - offsetMs(offset)
}

function offsetMs(offset: string): number {
  if (offset === 'Z' || offset === 'z' || offset === 'UTC') return 0
  const sign = offset.startsWith('-') ? -1 : 1
  const figures = offset.slice(1).replace(':', '')
  return sign * (Number(figures.slice(0, 2)) * 60 + Number(figures.slice(2) || 0)) * 60_000
}

const readers: Record<string, string> = {
  Y: '(?<Y>\\d{4})',
  y: '(?<y>\\d{2})',
  m: '(?<m>\\d{1,2})',
  d: '(?<d>\\d{1,2})',
  H: '(?<H>\\d{1,2})',
  I: '(?<I>\\d{1,2})',
  M: '(?<M>\\d{1,2})',
  S: '(?<S>\\d{1,2})',
  f: '(?<f>\\d{1,9})',
  L: '(?<f>\\d{1,9})',
  p: '(?<p>[AaPp][Mm])',
  z: '(?<z>Z|[+-]\\d{2}:?\\d{2})',
  s: '(?<s>-?\\d{1,12})',
  b: '(?<b>[A-Za-z]{3})',
  B: '(?<b>[A-Za-z]{3,9})',
  a: '[A-Za-z]{3}',
  A: '[A-Za-z]{6,9}',
}
const compiled = new Map<string, RegExp | undefined>()
const maxCompiled = 200

/** Patterns hold only bounded digits and letters side by side, so these expressions never backtrack far. */
function readerOf(format: string): RegExp | undefined {
  if (compiled.has(format)) return compiled.get(format)
  if (compiled.size >= maxCompiled) compiled.clear()
  const pattern = format
    .replaceAll('%F', '%Y-%m-%d')
    .replaceAll('%T', '%H:%M:%S')
    .split(/(%(?:-?[A-Za-z%]|:z))/)
    .map((part) => {
      if (part === '%%') return '%'
      if (part.startsWith('%')) return readers[part.slice(-1)] ?? ''
      return part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
    })
    .join('')
  let expression: RegExp | undefined
  try {
    expression = new RegExp(`^${pattern}$`)
  } catch {
    expression = undefined // a directive twice: such a pattern can be written but not read
  }
  compiled.set(format, expression)
  return expression
}

/** Epoch ms of a time written in a format; undefined when it is not. Without a zone in it, it is local to `zone`. */
export function parseTime(given: unknown, format: string, zone = 'UTC'): number | undefined {
  const value = exactNumber(given)
  if (format === 'epoch' || format === 'epoch_ms') {
    const isNumeric = typeof value === 'number' || typeof value === 'bigint'
    const isDigits = typeof value === 'string' && value.trim() !== '' && value.length < 40
    const number = isNumeric || isDigits ? Number(value) : Number.NaN
    if (!Number.isFinite(number)) return undefined
    return Math.floor(format === 'epoch' ? number * 1_000 : number)
  }
  if ((namedFormats as readonly string[]).includes(format)) return instantOf(given, zone)
  if (typeof value !== 'string' || value.length > maxPatternLength) return undefined
  if (format.length > maxPatternLength) return undefined
  const part = readerOf(format)?.exec(value)?.groups
  if (!part) return undefined
  if (part.s !== undefined) return Number(part.s) * 1_000
  const month = part.b
    ? 1 + months.findIndex((name) => name.slice(0, 3) === part.b?.slice(0, 3))
    : undefined
  const hour = Number(part.H ?? (part.I ? Number(part.I) % 12 : 0))
  const fields: Fields = [
    Number(part.Y ?? (part.y ? 2000 + Number(part.y) : 1970)),
    month ?? Number(part.m ?? 1),
    Number(part.d ?? 1),
    hour + (part.p?.toLowerCase() === 'pm' ? 12 : 0),
    Number(part.M ?? 0),
    Number(part.S ?? 0),
  ]
  const fraction = milliseconds(part.f)
  return instantFrom(fields, fraction, part.z ?? (zone === 'UTC' ? 'Z' : undefined), zone)
}
