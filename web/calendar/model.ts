import { rangeIdOf, rangeIdText } from '../../schema/id.ts'
import {
  type Calendar,
  type CalendarLetter,
  calendarLetters,
  type Range,
} from '../../schema/range.ts'
import { letterOf } from '../state.ts'

const known = new Set<string>(calendarLetters)

/**
 * A stream's ranges as flat arrays: one byte a range for its letter, so that a change is one
 * assignment and the largest calendar (five years of hours) takes under a megabyte.
 */
export class CalendarModel {
  readonly streamId: string
  readonly granularity: Calendar['granularity']
  readonly zone: string
  readonly length: number
  /** seconds since the epoch, ascending */
  readonly starts: Float64Array
  readonly #letters: Uint8Array
  readonly #ids: Float64Array
  readonly #indexById = new Map<number, number>()
  readonly #counts = new Map<CalendarLetter, number>()
  #listeners = new Set<(index: number) => void>()

  constructor(calendar: Calendar) {
    this.streamId = calendar.stream_id
    this.granularity = calendar.granularity
    this.zone = calendar.timezone
    this.length = Math.min(calendar.letters.length, calendar.ids.length, calendar.starts.length)
    this.starts = sums(calendar.starts, this.length)
    this.#ids = sums(calendar.ids, this.length)
    this.#letters = new Uint8Array(this.length)
    for (let i = 0; i < this.length; i++) {
      const letter = calendar.letters[i] as string
      const value = (known.has(letter) ? letter : 'p') as CalendarLetter
      this.#letters[i] = value.charCodeAt(0)
      this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1)
      this.#indexById.set(this.#ids[i] as number, i)
    }
  }

  letter(index: number): CalendarLetter {
    return String.fromCharCode(this.#letters[index] as number) as CalendarLetter
  }

  id(index: number): string {
    return rangeIdText(this.#ids[index] as number)
  }

  /** Position of a range by its outside id; -1 when it is not in this calendar. */
  indexOf(id: string): number {
    const row = rangeIdOf(id)
    return row === undefined ? -1 : (this.#indexById.get(row) ?? -1)
  }

  count(letter: CalendarLetter): number {
    return this.#counts.get(letter) ?? 0
  }

  /** End of a range in seconds: the next one's start, or one unit after the last start. */
  end(index: number): number {
    const next = this.starts[index + 1]
    if (next !== undefined) return next
    return (this.starts[index] ?? 0) + (this.granularity === 'hour' ? 3_600 : 86_400)
  }

  /** Takes over a range's new state. False when the range is unknown here and the calendar outdated. */
  patch(range: Range): boolean {
    const index = this.indexOf(range.id)
    if (index < 0) return false
    const before = this.letter(index)
    const after = letterOf(range)
    if (before === after) return true
    this.#letters[index] = after.charCodeAt(0)
    this.#counts.set(before, this.count(before) - 1)
    this.#counts.set(after, this.count(after) + 1)
    for (const listener of this.#listeners) listener(index)
    return true
  }

  /** Calls the listener with the position of each range whose letter changes. */
  onChange(listener: (index: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * What is in the destination without a gap, in seconds: back from its newest committed range, or
   * on from its oldest. Undefined when nothing is committed.
   */
  coverage(end: 'newest' | 'oldest'): { from: number; to: number } | undefined {
    const step = end === 'newest' ? -1 : 1
    let near = end === 'newest' ? this.length - 1 : 0
    while (near >= 0 && near < this.length && !this.#committed(near)) near += step
    if (near < 0 || near >= this.length) return undefined
    let far = near
    while (far + step >= 0 && far + step < this.length && this.#committed(far + step)) far += step
    return { from: this.starts[Math.min(near, far)] as number, to: this.end(Math.max(near, far)) }
  }

  #committed(index: number): boolean {
    const letter = this.letter(index)
    return letter === 'c' || letter === 'o' || letter === 'x'
  }
}

/** First value, then differences → the values. */
function sums(deltas: readonly number[], length: number): Float64Array {
  const values = new Float64Array(length)
  let value = 0
  for (let i = 0; i < length; i++) {
    value += deltas[i] as number
    values[i] = value
  }
  return values
}
