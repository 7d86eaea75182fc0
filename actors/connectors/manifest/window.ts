import {
  formatTime,
  instantOf,
  type namedFormats,
  parseTime,
} from '../../../schema/manifest/time.ts'
import type { Window } from '../../../schema/manifest/window.ts'
import { longestUtcTime, utcTimeIn } from '../../utc-time.ts'

/** Half-open, epoch ms. */
export interface Span {
  start: number
  end: number
}

/** What templates see as `window`; all null in a read without one. */
export interface WindowValues {
  start: string | number | null
  end: string | number | null
  start_ms: number | null
  end_ms: number | null
}

export const noWindow: WindowValues = { start: null, end: null, start_ms: null, end_ms: null }

/** The step of a format: times are cut to it when they are written. */
type Tick = 'ms' | 'second' | 'minute' | 'hour' | 'day'
const tickMs: Record<Exclude<Tick, 'day'>, number> = {
  ms: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
}

const namedTicks: Record<(typeof namedFormats)[number], Tick> = {
  iso: 'second',
  iso_ms: 'ms',
  iso_micro: 'ms',
  iso_offset: 'second',
  date: 'day',
  epoch: 'second',
  epoch_ms: 'ms',
}

/** The step of a format; a pattern's is that of its finest directive. */
export function tickOf(format: string): Tick {
  if (Object.hasOwn(namedTicks, format)) return namedTicks[format as keyof typeof namedTicks]
  if (/%[fL]/.test(format)) return 'ms'
  if (/%[STs]/.test(format)) return 'second'
  if (/%M/.test(format)) return 'minute'
  return /%-?[HI]/.test(format) ? 'hour' : 'day'
}

const dayMs = 86_400_000

const startOfDay = (ms: number, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).startOfDay()

/** The largest writable time at or below. */
function floorTo(ms: number, tick: Tick, zone: string): number {
  if (tick === 'day') return startOfDay(ms, zone).epochMilliseconds
  return Math.floor(ms / tickMs[tick]) * tickMs[tick]
}

/** The smallest writable time at or above. */
function ceilTo(ms: number, tick: Tick, zone: string): number {
  const floor = floorTo(ms, tick, zone)
  if (floor === ms) return ms
  return tick === 'day'
    ? startOfDay(ms, zone).add({ days: 1 }).startOfDay().epochMilliseconds
    : floor + tickMs[tick]
}

/** A time cut to what a format can say, and the length of its step in ms (a day's is 24 h). */
export function spanTick(ms: number, format: string, zone: string): { at: number; tick: number } {
  const tick = tickOf(format)
  return { at: floorTo(ms, tick, zone), tick: tick === 'day' ? dayMs : tickMs[tick] }
}

/**
 * The two times to send so that the API gives at least [start, end). They are rounded outwards, never inwards: what comes
 * too much is dropped by `ownership.ts`, what is not asked for would be lost. So an inclusive end sends the end itself, not one
 * tick less: records finer than the tick may lie between. Only a date, which stands for its whole day, is that of the last instant.
 */
export function windowValues(window: Window, span: Span, zone: string): WindowValues {
  const tick = tickOf(window.format)
  const floor = floorTo(span.start, tick, zone)
  const startMs = window.start_is === 'inclusive' ? floor : floorTo(floor - 1, tick, zone)
  const wholeDay = tick === 'day' && window.end_is === 'inclusive'
  const endMs = wholeDay ? floorTo(span.end - 1, tick, zone) : ceilTo(span.end, tick, zone)
  return {
    start: formatTime(startMs, window.format, zone),
    end: formatTime(endMs, window.format, zone),
    start_ms: span.start,
    end_ms: span.end,
  }
}

/** Cuts a span into pieces of at most `max_span`. A day API's longest local day has 25 hours, so whole days get one more. */
export function spansOf(window: Window, span: Span): Span[] {
  const { max_span_ms: longest } = window
  if (longest === undefined) return [span]
  const step =
    tickOf(window.format) === 'day' && longest % dayMs === 0 ? longest + 3_600_000 : longest
  const spans: Span[] = []
  for (let start = span.start; start < span.end; start += step) {
    spans.push({ start, end: Math.min(span.end, start + step) })
  }
  return spans
}

/** Epoch ms of a record's own time in whatever common form it has; undefined when it cannot be read. */
export function recordTime(value: unknown, format: string, zone: string): number | undefined {
  if (!Object.hasOwn(namedTicks, format)) {
    const ms = parseTime(value, format, zone)
    if (ms !== undefined) return ms
  }
  return (typeof value === 'string' ? utcTime(value) : undefined) ?? instantOf(value, zone)
}

const scratch = new Uint8Array(longestUtcTime)

function utcTime(text: string): number | undefined {
  if (text.length > scratch.length) return undefined
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    scratch[at] = code < 0x80 ? code : 0
  }
  return utcTimeIn(scratch, 0, text.length)
}
