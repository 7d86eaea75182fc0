import { parseJson } from './http/json.ts'
import type { RecordTable } from './http/record-table.ts'

/**
 * Records of a page as the bytes they came in, found and checked by a `RecordScanner`. They are their reader's until it asks
 * for the next page, and so is the memory of the body.
 */
export interface RawRecords {
  body: Uint8Array
  view: DataView
  table: RecordTable
  /** places of one record in `table.fields`; two a field */
  stride: number
}

/** What a destination that can do without parsed records wants to know of them. */
export interface RawWish {
  /** names of top-level fields whose values are to be located */
  fields: readonly string[]
  /** the values of all other fields, too */
  all?: boolean
  /** records with a top-level name that begins so must come parsed */
  reserved: string
}

const openList = Buffer.from('[')
const closeList = Buffer.from(']')

/** The value of a token, exactly as it is in the parsed page: numbers are only looked at closely where one may stand. */
export function rawValue(body: Uint8Array, from: number, to: number): unknown {
  const list = Buffer.concat([openList, body.subarray(from, to), closeList])
  return (parseJson(list).value as unknown[])[0]
}

/** The records parsed after all. */
export function parsedRecords({ body, table }: RawRecords): Record<string, unknown>[] {
  return Array.from(
    { length: table.count },
    (_, i) =>
      rawValue(body, table.starts[i] as number, table.ends[i] as number) as Record<string, unknown>,
  )
}
