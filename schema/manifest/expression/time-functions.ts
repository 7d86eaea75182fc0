import { manifestDurationMs } from '../size.ts'
import { formatProblem, formatTime, instantOf, parseTime } from '../time.ts'
import { ExpressionError } from './error.ts'
import { type ExpressionFunction, fn } from './function.ts'
import { numberOf, textOf } from './value.ts'

const dayMs = 86_400_000
const maxTime = 8.64e15

/** Epoch ms: of a number as it is (`now`, `window.start_ms`, results of these functions), of a text by parsing. */
function timeOf(value: unknown): number {
  const ms = typeof value === 'string' ? instantOf(value) : numberOf(value)
  if (ms === undefined)
    throw new ExpressionError('time', `not a time: ${JSON.stringify(value).slice(0, 60)}`)
  if (!(Math.abs(ms) <= maxTime)) throw new ExpressionError('time', 'the time is out of range')
  return ms
}

/** ms of `30d`, `P1DT2H` or a number of ms. */
function spanOf(value: unknown): number {
  if (typeof value !== 'string') return numberOf(value)
  const plain = manifestDurationMs(value)
  if (plain !== undefined) return plain
  const match =
    /^(-)?P(?:(\d{1,5})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/.exec(
      value,
    )
  if (!match || value.endsWith('P') || value.endsWith('T')) {
    throw new ExpressionError('time', `not a duration: ${JSON.stringify(value).slice(0, 60)}`)
  }
  const part = (index: number) => Number(match[index] ?? 0)
  const days = part(2) * 365 + part(3) * 30 + part(4) * 7 + part(5)
  const ms = days * dayMs + part(6) * 3_600_000 + part(7) * 60_000 + part(8) * 1_000
  return match[1] ? -ms : ms
}

function format(value: unknown, pattern: unknown, zone: unknown = 'UTC'): string | number {
  const ms = timeOf(value)
  const wanted = textOf(pattern)
  const problem = formatProblem(wanted)
  if (problem) throw new ExpressionError('time', problem)
  try {
    return formatTime(ms, wanted, textOf(zone))
  } catch (error) {
    throw new ExpressionError('time', (error as Error).message)
  }
}

function parse(value: unknown, pattern: unknown = 'iso', zone: unknown = 'UTC'): number {
  const ms = parseTime(value, textOf(pattern), textOf(zone))
  if (ms === undefined) {
    throw new ExpressionError('time', `not a time: ${String(JSON.stringify(value)).slice(0, 60)}`)
  }
  return ms
}

/** Times are epoch ms; texts in ISO form are taken for them. */
export const timeFunctions: Record<string, ExpressionFunction> = {
  formatTime: fn(2, 3, format),
  parseTime: fn(1, 3, parse),
  epoch: fn(1, 1, (value) => Math.floor(timeOf(value) / 1_000)),
  iso: fn(1, 2, (value, zone = 'UTC') => format(value, 'iso', zone)),
  dateIn: fn(2, 2, (value, zone) => format(value, 'date', zone)),
  addDays: fn(2, 2, (value, days) => timeOf(timeOf(value) + numberOf(days) * dayMs)),
  addTime: fn(2, 2, (value, span) => timeOf(timeOf(value) + spanOf(span))),
  subTime: fn(2, 2, (value, span) => timeOf(timeOf(value) - spanOf(span))),
  duration: fn(1, 1, spanOf),
}
