import { Problem } from './problem.ts'
import type { TimeFormat, WindowFilter } from './route.ts'

const isoPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/**
 * Turns a request's time filters into the half-open [start, end) that they mean, whatever the API's
 * edges. `precisionMs` is the finest time the stream knows: a filter that is finer is refused, since a
 * reader that sends one has not understood the API. Null: the stream takes no filter at all.
 */
export function readWindow(
  filter: WindowFilter | null,
  params: URLSearchParams,
  precisionMs: 1 | 1000,
): { start: number; end: number } | null {
  if (filter === null) return null
  const start = filter.start === null ? null : params.get(filter.start)
  const end = filter.end === null ? null : params.get(filter.end)
  const window = { start: 0, end: Number.MAX_SAFE_INTEGER }
  if (start !== null) {
    const ms = readTime(String(filter.start), start, filter.format, precisionMs)
    window.start = filter.startIs === 'inclusive' ? ms : ms + precisionMs
  }
  if (end !== null) {
    const ms = readTime(String(filter.end), end, filter.format, precisionMs)
    window.end = filter.endIs === 'exclusive' ? ms : ms + precisionMs
  }
  return window
}

function readTime(name: string, text: string, format: TimeFormat, precisionMs: number): number {
  const ms = format.startsWith('iso')
    ? isoPattern.test(text)
      ? Date.parse(text)
      : Number.NaN
    : /^\d{1,14}$/.test(text)
      ? Number(text) * (format === 'epoch' ? 1000 : 1)
      : Number.NaN
  if (!Number.isSafeInteger(ms)) {
    throw new Problem(400, 'invalid_time', `${name}: ${format} expected, got ${text.slice(0, 60)}`)
  }
  if (ms % precisionMs !== 0) {
    throw new Problem(
      400,
      'invalid_time',
      `${name}: whole seconds expected, got ${text.slice(0, 60)}`,
    )
  }
  return ms
}
