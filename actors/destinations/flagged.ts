import { instantOf } from '../../schema/manifest/time.ts'
import type { Target } from '../../schema/protocol.ts'
import { type FieldPath, valueAt } from './path.ts'
import type { Row } from './writer.ts'

/** When a row was deleted at the source, as far as anybody knows; null or absent: it is there. */
export const deletedColumn = '_derrick_deleted_at'

/**
 * What becomes of a record that the source marks as deleted: `mark` keeps it with `_derrick_deleted_at`, `remove` leaves no row
 * with its key. In append mode rows are versions, and this is one more.
 */
export function flagPolicy({ deletes, writeMode }: Target): 'keep' | 'mark' | 'remove' {
  if (deletes === 'keep' || writeMode === 'append') return 'keep'
  return deletes === 'soft' ? 'mark' : 'remove'
}

/** RFC 3339 UTC: the record's own time, which is that of its last change, else that of the read. */
export function deletedAt(record: Row, cursor: FieldPath | null, fetchedFrom: number): string {
  const ms = cursor ? instantOf(valueAt(record, cursor)) : undefined
  const isYearOfFour = ms !== undefined && ms >= 0 && ms < Date.UTC(9999, 0)
  return new Date(isYearOfFour ? ms : fetchedFrom).toISOString()
}
