import { type RawRecords, rawValue } from '../../raw-records.ts'
import { utcTimeIn } from '../../utc-time.ts'
import type { Ownership } from './ownership.ts'
import type { Span } from './window.ts'

const quote = 0x22

/**
 * Leaves in the table the records of a span, as `Ownership.select` does. Null, and the table as it was, when a record has no
 * time that can be read: what becomes of it is decided on the parsed page.
 */
export function selectRaw(
  { body, table, stride }: RawRecords,
  field: number,
  ownership: Ownership,
  span: Span,
): { dropped: number; pastEnd: boolean; beforeStart: boolean } | null {
  const { fields, starts, ends, isPlain, firstValues, shapeOf, count } = table
  const isOwned = new Uint8Array(count)
  let pastEnd = false
  let beforeStart = false
  for (let i = 0; i < count; i += 1) {
    const at = i * stride + field * 2
    const from = fields[at] as number
    if (from < 0) return null
    const to = fields[at + 1] as number
    let time = body[from] === quote ? utcTimeIn(body, from + 1, to - 1) : undefined
    if (time === undefined) {
      const value = rawValue(body, from, to)
      const read = value === null ? null : ownership.readTime(value)
      if (read === null || read === undefined) return null
      time = read
    }
    if (time >= span.end) pastEnd = true
    else if (time < span.start) beforeStart = true
    else isOwned[i] = 1
  }
  let kept = 0
  for (let i = 0; i < count; i += 1) {
    if (isOwned[i] === 0) continue
    if (kept < i) {
      starts[kept] = starts[i] as number
      ends[kept] = ends[i] as number
      isPlain[kept] = isPlain[i] as number
      firstValues[kept] = firstValues[i] as number
      shapeOf[kept] = shapeOf[i] as number
      fields.copyWithin(kept * stride, i * stride, (i + 1) * stride)
    }
    kept += 1
  }
  table.count = kept
  return { dropped: count - kept, pastEnd, beforeStart }
}
