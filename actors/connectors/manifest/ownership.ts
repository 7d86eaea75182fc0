import { derrickError } from '../../../schema/error.ts'
import { compilePath } from '../../../schema/manifest/path.ts'
import type { Window } from '../../../schema/manifest/window.ts'
import type { Row } from '../../destinations/writer.ts'
import { recordTime, type Span } from './window.ts'

/** Splits a page by whose its records are. */
export interface Ownership {
  /** the record's own time; null when it has none, undefined when it cannot be read */
  timeOf(record: Row): number | null | undefined
  /** the time that a value of the window's field stands for; undefined when it cannot be read */
  readTime(value: unknown): number | undefined
  /** records of the span, in their order, and how many were left to other ranges */
  select(
    records: Row[],
    span: Span,
  ): { kept: Row[]; dropped: number; pastEnd: boolean; beforeStart: boolean }
}

/**
 * A record belongs to the one range that its own time lies in; others are dropped, since the range that owns them reads
 * them itself. A record whose time is null or unreadable is kept: the API chose it for this window, merges take
 * null for the oldest, and one bad record must not cost its range. Two cases are errors: a page in which no time at all can be
 * read, for then the manifest is wrong, and (`strict`) a stream without key or filter, where every range would keep a copy.
 */
export function makeOwnership(window: Window, zone: string, strict: boolean): Ownership {
  const readValue = compilePath(window.field)
  const readTime = (value: unknown) => recordTime(value, window.format, zone)
  const timeOf = (record: Row): number | null | undefined => {
    const value = readValue(record)
    return value === null || value === undefined ? null : readTime(value)
  }
  return {
    timeOf,
    readTime,
    select(records, span) {
      const kept: Row[] = []
      const result = { kept, dropped: 0, pastEnd: false, beforeStart: false }
      let readable = 0
      let unreadable: Row | undefined
      for (const record of records) {
        const time = timeOf(record)
        if (time === null || time === undefined) {
          if (time === undefined) unreadable ??= record
          if (strict) throw homeless(window, readValue(record))
          kept.push(record)
          continue
        }
        readable += 1
        if (time >= span.end) result.pastEnd = true
        else if (time < span.start) result.beforeStart = true
        else {
          kept.push(record)
          continue
        }
        result.dropped += 1
      }
      if (unreadable && readable === 0) throw unreadableField(window, readValue(unreadable))
      return result
    },
  }
}

const shown = (value: unknown): string => String(JSON.stringify(value)).slice(0, 60)

const unreadableField = (window: Window, value: unknown) =>
  derrickError(
    'transform',
    'window.field_unreadable',
    `${window.field} of no record on the page can be read as a time; one is ${shown(value)}`,
    { remedy: 'check window.field and window.format in the manifest' },
  )

const homeless = (window: Window, value: unknown) =>
  derrickError(
    'transform',
    'window.field_missing',
    `a record's ${window.field} is ${shown(value)}, so no range can own it`,
    { remedy: 'declare a key in the manifest, or a window that the API filters by' },
  )
