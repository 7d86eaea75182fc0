import { crc32 } from 'node:zlib'
import { setOwn } from '../../../schema/manifest/expression/value.ts'
import { type RawRecords, rawValue } from '../../raw-records.ts'
import type { DuplicateKey, Duplicates } from '../duplicates.ts'
import { duplicateKey, singleName } from '../key.ts'
import type { FieldPath } from '../path.ts'
import type { EncodedPage, PageEncoder, Row } from '../writer.ts'
import { rawRows } from './raw-rows.ts'

const ourPrefix = '_derrick_'
const letterN = 0x6e

/** How far an attempt is: rows that were written, and records that were seen. */
export interface Place {
  row: number
  position: number
}

/** What it shares with the encoder of parsed records: both see pages of one attempt. */
export interface RawEncoding {
  paths: readonly FieldPath[]
  cursor: FieldPath | null
  duplicates: Duplicates
  tail: string
  place: Place
}

/** Encodes unparsed records; null where that is not enough, because key or cursor lie deeper or rows get an id. */
export function rawEncoder(encoding: RawEncoding): PageEncoder['raw'] | null {
  const { paths, cursor, tail, place } = encoding
  const all = cursor === null ? paths : [...paths, cursor]
  if (paths.length === 0 || !all.every(({ parts }) => parts.length === 1)) return null
  const fields = [...new Set(all.map(({ name }) => name))]
  const cursorField = cursor === null ? -1 : fields.indexOf(cursor.name)
  const tailBytes = Buffer.from(tail)
  return {
    wish: { fields, reserved: ourPrefix },
    encode(raw) {
      const { count } = raw.table
      // Before anything is remembered: a record without a key is rejected, and for that it is needed parsed.
      if (!paths.every((_, i) => isEverywhere(raw, i))) return null
      const superseded = noteKeys(raw, encoding, cursorField)
      const { bytes, checksum } = rawRows(raw, tailBytes)
      place.position += count
      const meta = { columns: [], superseded, crc: count === 0 ? 0 : crc32(bytes) }
      return {
        bytes,
        checksum,
        recordCount: count,
        meta,
        rejects: [],
        sanitised: 0,
      } satisfies EncodedPage
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

/** Notes the keys of all records; returns the rows that they make superfluous. */
function noteKeys(raw: RawRecords, encoding: RawEncoding, cursorField: number): number[] {
  const { body, table, stride } = raw
  const { fields } = table
  const { paths, duplicates, place } = encoding
  const single = singleName(paths)
  const superseded: number[] = []
  for (let at = 0, end = table.count * stride; at < end; at += stride) {
    const cursorAt = cursorField < 0 ? -1 : at + cursorField * 2
    const from = cursorAt < 0 ? -1 : (fields[cursorAt] as number)
    const to = cursorAt < 0 ? -1 : (fields[cursorAt + 1] as number)
    let loser: number | null | undefined
    if (single !== null) {
      const [keyFrom, keyTo] = [fields[at] as number, fields[at + 1] as number]
      loser = duplicates.noteRaw(body, keyFrom, keyTo, from, to, place.row)
    }
    if (loser === undefined) {
      const cursor = from < 0 ? undefined : rawValue(body, from, to)
      loser = duplicates.note(keyAt(raw, at, paths, single), cursor, place.row)
    }
    if (loser !== null) superseded.push(loser)
    place.row += 1
  }
  return superseded
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
