import { isDigit, isExponent, minus, point, zero } from './json-bytes.ts'

/** Records found in a body, by their bytes. Valid until the scanner that made it is used again. */
export interface RecordTable {
  count: number
  /** from the opening brace of each record to the byte after its closing one */
  starts: Int32Array
  ends: Int32Array
  /** for each record and wanted field, in turn: where its value begins and ends; -1 where it has none */
  fields: Int32Array
  /** bytes inside records that JSON.stringify would not have written: begin and end of each, in order */
  cuts: Int32Array
  cutCount: number
  /** 1: nothing is cut, and no string has an escape */
  isPlain: Uint8Array
  /** for records whose every value is wanted: begin and end of each, name by name; a record's first is at `firstValues` */
  values: Int32Array
  firstValues: Int32Array
  /** which of `shapes`, the top-level names in their order, a record has */
  shapeOf: Int32Array
  shapes: string[][]
}

/** A table for records with so many wanted fields. */
export function emptyTable(fields: number, all: boolean): RecordTable {
  return {
    count: 0,
    starts: new Int32Array(256),
    ends: new Int32Array(256),
    fields: new Int32Array(256 * fields * 2),
    cuts: new Int32Array(64),
    cutCount: 0,
    isPlain: new Uint8Array(256),
    values: new Int32Array(all ? 4096 : 0),
    firstValues: new Int32Array(256),
    shapeOf: new Int32Array(256),
    shapes: [],
  }
}

/** Makes room for as many records again. */
export function growRows(table: RecordTable): void {
  table.starts = grown(table.starts)
  table.ends = grown(table.ends)
  table.fields = grown(table.fields)
  table.firstValues = grown(table.firstValues)
  table.shapeOf = grown(table.shapeOf)
  const isPlain = new Uint8Array(table.isPlain.length * 2)
  isPlain.set(table.isPlain)
  table.isPlain = isPlain
}

export function grown(list: Int32Array): Int32Array {
  const larger = new Int32Array(list.length * 2)
  larger.set(list)
  return larger
}

/** Leaves bytes out of the record under way. */
export function addCut(table: RecordTable, from: number, to: number): void {
  const at = table.cutCount * 2
  if (at === table.cuts.length) table.cuts = grown(table.cuts)
  table.cuts[at] = from
  table.cuts[at + 1] = to
  table.cutCount += 1
}

/**
 * The end of a number that JSON.stringify writes with the same digits, but for zeros at the end of a fraction; -1 for any
 * other. Whole numbers keep all their digits on the parser's path too, until they would be written with an exponent.
 */
export function numberEnd(body: Uint8Array, from: number, table: RecordTable): number {
  let at = from
  if (body[at] === minus) at += 1
  const first = at
  while (isDigit(body[at])) at += 1
  const whole = at - first
  if (whole === 0 || whole > 20 || (whole > 1 && body[first] === zero)) return -1
  if (body[at] !== point) {
    const isOther = isExponent(body[at]) || (first > from && body[first] === zero)
    return isOther ? -1 : at
  }
  at += 1
  const fraction = at
  let last = 0
  while (isDigit(body[at])) {
    if (body[at] !== zero) last = at
    at += 1
  }
  if (at === fraction || at - from > 15 || isExponent(body[at])) return -1
  const isBelowOne = body[first] === zero
  if (last === 0) {
    // -0.0 is written as 0.
    if (isBelowOne && first > from) return -1
    addCut(table, fraction - 1, at)
    return at
  }
  // Below a millionth an exponent would be written.
  let zeros = 0
  while (body[fraction + zeros] === zero) zeros += 1
  if (isBelowOne && zeros > 5) return -1
  if (last + 1 < at) addCut(table, last + 1, at)
  return at
}
