import { setOwn } from '../../schema/manifest/expression/value.ts'
import { type RawRecords, rawValue } from '../raw-records.ts'
import type { DuplicateKey, Duplicates } from './duplicates.ts'
import { duplicateKey, singleName } from './key.ts'
import type { FieldPath } from './path.ts'
import type { Row } from './writer.ts'

const letterN = 0x6e

/** Keys and cursors of unparsed records. */
export interface RawKeys {
  /** what the scanner must locate: the key's fields first */
  fields: string[]
  /** Whether every record has a whole key; one without is rejected, and for that it is needed parsed. */
  areWhole(raw: RawRecords): boolean
  /** As `Duplicates.note`. */
  note(raw: RawRecords, index: number, row: number): number | null
}

/** Null where there is no key, or key or cursor lie deeper. */
export function rawKeys(
  paths: readonly FieldPath[],
  cursor: FieldPath | null,
  duplicates: Duplicates,
): RawKeys | null {
  const all = cursor === null ? paths : [...paths, cursor]
  if (paths.length === 0 || !all.every(({ parts }) => parts.length === 1)) return null
  const fields = [...new Set(all.map(({ name }) => name))]
  const cursorField = cursor === null ? -1 : fields.indexOf(cursor.name)
  const single = singleName(paths)
  return {
    fields,
    areWhole: (raw) => paths.every((_, i) => isEverywhere(raw, i)),
    note(raw, index, row) {
      const { body, view, table, stride } = raw
      const at = index * stride
      const cursorAt = cursorField < 0 ? -1 : at + cursorField * 2
      const from = cursorAt < 0 ? -1 : (table.fields[cursorAt] as number)
      const to = cursorAt < 0 ? -1 : (table.fields[cursorAt + 1] as number)
      if (single !== null) {
        const [keyFrom, keyTo] = [table.fields[at] as number, table.fields[at + 1] as number]
        const loser = duplicates.noteRaw(view, keyFrom, keyTo, from, to, row)
        if (loser !== undefined) return loser
      }
      const time = from < 0 ? undefined : rawValue(body, from, to)
      return duplicates.note(keyAt(raw, at, paths, single), time, row)
    },
  }
}

/** Whether every record has a value other than null for a field. */
function isEverywhere({ body, table, stride }: RawRecords, field: number): boolean {
  const { fields, count } = table
  for (let i = 0, at = field * 2; i < count; i += 1, at += stride) {
    const from = fields[at] as number
    if (from < 0 || body[from] === letterN) return false
  }
  return true
}

/** The key of the record whose fields begin at `at`, by its parsed values. */
function keyAt(
  { body, table: { fields } }: RawRecords,
  at: number,
  paths: readonly FieldPath[],
  single: string | null,
): DuplicateKey {
  const record: Row = {}
  for (const [i, { name }] of paths.entries()) {
    const value = at + i * 2
    setOwn(record, name, rawValue(body, fields[value] as number, fields[value + 1] as number))
  }
  return duplicateKey(record, paths, single) as DuplicateKey
}
