import type { CalendarLetter } from '../../schema/range.ts'
import type { CalendarModel } from './model.ts'

/** What is shown where several ranges share a place: trouble first, then what moves. */
const severity: Record<CalendarLetter, number> = { f: 7, w: 6, r: 5, x: 4, p: 3, o: 2, c: 1 }

/**
 * A stream's whole time as `buckets` letters, oldest first; each shows its most telling range.
 * Places wider than one range of a short calendar repeat it.
 */
export function stripLetters(model: CalendarModel, buckets: number): CalendarLetter[] {
  if (model.length === 0) return []
  const letters: CalendarLetter[] = []
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * model.length) / buckets)
    const to = Math.max(from + 1, Math.floor(((bucket + 1) * model.length) / buckets))
    let shown = model.letter(from)
    for (let i = from + 1; i < to; i++) {
      const letter = model.letter(i)
      if (severity[letter] > severity[shown]) shown = letter
    }
    letters.push(shown)
  }
  return letters
}
