import type { ColumnType } from '../../../schema/column-type.ts'
import { canonicalJson } from '../canonical-json.ts'
import { type FieldPath, valueAt } from '../path.ts'
import { isExact } from '../raw-json.ts'
import {
  maxObjectKeys,
  maxRowBytes,
  type RowCounts,
  type RowProblem,
  rowText,
} from '../row-json.ts'
import type { Row } from '../writer.ts'
import { copyString, escapeCopy } from './copy-text.ts'
import { isOfType } from './declared.ts'
import { type FieldLanes, type Kind, Lanes } from './lanes.ts'
import { storable } from './names.ts'
import { numberText } from './number-text.ts'
import { maxKeyBytes } from './raw-cells.ts'

/** Texts that may hold a number which jsonb refuses: a long exponent, or more digits than anybody writes. */
const longExponent = /\d[eE][+-]?\d{4}/
const manyDigits = /\d{1000}/
const mayBeFar = (json: string): boolean =>
  longExponent.test(json) || (json.length > 1000 && manyDigits.test(json))

/** Turns one record at a time into the cells of a COPY row. */
export class RecordCells {
  readonly #lanes: Lanes
  readonly #keys: readonly FieldPath[]
  /** fields in the order of the record before: usually the next one has the same */
  #order: FieldLanes[] = []
  #extra: string[] = []
  #problem: string | null = null

  constructor(
    keyed: boolean,
    keys: readonly FieldPath[],
    readAs: (field: string) => ColumnType | null,
  ) {
    this.#lanes = new Lanes(
      keyed,
      keys.map(({ name }) => name),
      readAs,
    )
    this.#keys = keys
  }

  get width(): number {
    return this.#lanes.cells.length
  }

  get lanes(): Lanes {
    return this.#lanes
  }

  columns() {
    return this.#lanes.columns()
  }

  /** @param deletedAt when the source says that the record was deleted */
  text(record: unknown, counts: RowCounts, deletedAt?: string): string | RowProblem {
    if (!isObject(record)) return { reason: 'it is not an object' }
    this.#lanes.clear()
    this.#extra.length = 0
    this.#problem = null
    this.#putFields(record, counts)
    if (this.#keys.length > 0) this.#checkKeys(record, counts)
    if (this.#problem !== null) return { reason: this.#problem }
    if (deletedAt !== undefined) this.#lanes.cells[this.#lanes.deleted()] = deletedAt
    if (this.#extra.length > 0) {
      this.#lanes.cells[this.#lanes.extra()] = escapeCopy(`{${this.#extra.join(',')}}`)
    }
    const text = this.#lanes.cells.join('\t')
    if (text.length * 3 > maxRowBytes && Buffer.byteLength(text) > maxRowBytes) {
      return { reason: `it is larger than ${maxRowBytes} bytes` }
    }
    return text
  }

  /** The lanes of a record's fields; null when two of them become one column. */
  fieldsOf(names: readonly string[]): FieldLanes[] | null {
    const fields: FieldLanes[] = []
    for (const name of names) {
      const lanes = this.#lanes.field(name)
      if (!lanes) return null
      fields.push(lanes)
    }
    return fields
  }

  /** Most of an attempt's time goes by here: strings of known fields, which most values are, take the shortest way. */
  #putFields(record: Row, counts: RowCounts): void {
    const order = this.#order
    const { cells } = this.#lanes
    let names = 0
    for (const name in record) {
      const value = record[name]
      const guess = order[names]
      const lanes = guess !== undefined && guess.field === name ? guess : this.#fieldAt(names, name)
      names += 1
      if (lanes === null) {
        this.#problem ??= `the names of two of its fields become one column: ${name}`
      } else if (typeof value === 'string' && lanes.text >= 0) {
        cells[lanes.text] = copyString(value, counts)
      } else this.#put(lanes, value, counts)
      if (names > maxObjectKeys) {
        this.#problem ??= `an object in it has more than ${maxObjectKeys} names`
        return
      }
    }
  }

  #fieldAt(at: number, name: string): FieldLanes | null {
    const lanes = this.#lanes.field(name)
    if (lanes) this.#order[at] = lanes
    return lanes
  }

  #put(lanes: FieldLanes, value: unknown, counts: RowCounts): void {
    if (typeof value === 'string') this.#text(lanes, value, counts)
    else if (typeof value === 'number') this.#number(lanes, value)
    else if (typeof value === 'boolean') {
      this.#cell(lanes, lanes.isKey ? 'text' : 'boolean', value ? 'true' : 'false')
    } else if (typeof value === 'bigint') this.#exactNumber(lanes, String(value))
    else if (typeof value === 'object' && value !== null) this.#object(lanes, value, counts)
  }

  /** Texts of fields with a type are values of it where they look like it. */
  #text(lanes: FieldLanes, value: string, counts: RowCounts): void {
    const { readAs } = lanes
    if (readAs === null || readAs === 'text') this.#cell(lanes, 'text', copyString(value, counts))
    else if (!isOfType(value, readAs)) this.#cell(lanes, 'misfit', copyString(value, counts))
    else if (readAs === 'boolean') this.#cell(lanes, 'boolean', value)
    else if (readAs === 'timestamp' || readAs === 'date') this.#cell(lanes, 'time', value)
    else this.#exactNumber(lanes, value)
  }

  #number(lanes: FieldLanes, value: number): void {
    if (Number.isSafeInteger(value)) {
      const at = this.#lanes.number(lanes, 'bigint')
      // Adding zero makes -0 what it equals.
      const text = String(value + 0)
      if (at >= 0) this.#lanes.cells[at] = text
      else this.#past(lanes, text)
    } else if (Number.isFinite(value)) this.#exactNumber(lanes, String(value))
  }

  #exactNumber(lanes: FieldLanes, source: string): void {
    const number = numberText(source)
    const at = number ? this.#lanes.number(lanes, number.type) : -1
    if (!number) this.#cell(lanes, misfits(lanes), source)
    else if (at >= 0) this.#lanes.cells[at] = number.text
    else this.#past(lanes, number.text)
  }

  #object(lanes: FieldLanes, value: object, counts: RowCounts): void {
    if (isExact(value)) {
      const source = JSON.stringify(value)
      if (/^-?\d/.test(source)) this.#exactNumber(lanes, source)
      else this.#put(lanes, JSON.parse(source), counts)
      return
    }
    const text = rowText({ v: value }, counts)
    if (typeof text !== 'string') {
      this.#problem ??= text.reason
      return
    }
    const json = text.slice('{"v":'.length, -1)
    const isFar = !lanes.isKey && mayBeFar(json) && hasFarNumber(value)
    if (lanes.isKey) this.#cell(lanes, 'text', escapeCopy(canonicalJson(value)))
    else this.#cell(lanes, isFar ? misfits(lanes) : 'json', escapeCopy(json))
  }

  #cell(lanes: FieldLanes, kind: Kind, cell: string): void {
    const at = this.#lanes.lane(lanes, kind)
    if (at >= 0) this.#lanes.cells[at] = cell
    else if (kind !== 'boolean' && kind !== 'json')
      this.#past(lanes, JSON.stringify(unescaped(cell)))
    else this.#past(lanes, unescaped(cell))
  }

  /** A value for which there is no lane left. */
  #past({ field }: FieldLanes, json: string): void {
    this.#extra.push(`${JSON.stringify(storable(field))}:${json}`)
  }

  #checkKeys(record: Row, counts: RowCounts): void {
    let bytes = 0
    for (const path of this.#keys) {
      const value = valueAt(record, path)
      if (value === undefined || value === null) {
        this.#problem ??= `its key ${path.name} is missing or null`
        return
      }
      const lanes = this.#lanes.field(path.name)
      if (!lanes) {
        this.#problem ??= `the names of two of its fields become one column: ${path.name}`
        return
      }
      if (!Object.hasOwn(record, path.name)) this.#put(lanes, value, counts)
      bytes += this.#keyBytes(lanes)
    }
    if (bytes > maxKeyBytes) this.#problem ??= `its key is longer than ${maxKeyBytes} bytes`
  }

  #keyBytes(lanes: FieldLanes): number {
    const text = lanes.text < 0 ? '' : (this.#lanes.cells[lanes.text] as string)
    // No character takes more than three bytes a unit: short keys need no count.
    return text.length * 3 <= maxKeyBytes ? text.length : Buffer.byteLength(text)
  }
}

/** Where a field's values go that have no lane of their own. */
const misfits = ({ readAs }: FieldLanes): Kind =>
  readAs === null || readAs === 'text' ? 'text' : 'misfit'

const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExact(value)

const charOf: Record<string, string> = { n: '\n', r: '\r', t: '\t', '\\': '\\' }
const unescaped = (cell: string): string =>
  cell.includes('\\') ? cell.replace(/\\(.)/g, (_, found: string) => charOf[found] as string) : cell

/** Whether a nested value holds a number that jsonb, which has numeric's bounds, cannot take. */
function hasFarNumber(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (isExact(value))
    return /^-?\d/.test(JSON.stringify(value)) && !numberText(JSON.stringify(value))
  return Object.values(value).some(hasFarNumber)
}
