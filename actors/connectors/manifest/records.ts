import { derrickError } from '../../../schema/error.ts'
import { compileExpression, type Evaluate } from '../../../schema/manifest/expression/compiler.ts'
import { setOwn, truthy } from '../../../schema/manifest/expression/value.ts'
import { compilePath } from '../../../schema/manifest/path.ts'
import type { Records } from '../../../schema/manifest/records.ts'
import type { Reject } from '../../../schema/protocol.ts'
import type { Row } from '../../destinations/writer.ts'
import { isDeeper, maxDepth, parseJson } from '../../http/json.ts'
import { filesOf } from './archive.ts'
import { parseCsv } from './csv.ts'
import { includeRelated } from './json-api.ts'
import { type RawDocument, type RawReading, readRaw } from './raw-document.ts'
import { namesAt, type ReadScope } from './scope.ts'
import { copyOf, isRecord, setPath } from './value.ts'
import { parseXml } from './xml.ts'

/** A body decoded; `isDeep` when something in it nests deeper than a record may. */
export interface Document {
  response: unknown
  isDeep: boolean
  /** there when the records were found without being parsed */
  raw?: RawDocument
}

export interface RecordPicker {
  /** The items of an answer as the API gave them: what paging counts and looks at. @throws DerrickError records.* */
  items(response: unknown): unknown[]
  /** Records of the items: shaped, expanded, filtered. Items that are no records go to `rejects`. */
  rows(items: unknown[], document: Document, scope: ReadScope, rejects: Reject[]): Row[]
}

/** Decodes a body in the stream's format. @throws DerrickError json.*, csv.*, xml.*, records.* */
export function decodeDocument(
  body: Uint8Array,
  spec: Records,
  limits: { maxBytes: number; secrets: readonly string[] },
  reading: RawReading | null = null,
): Document {
  const plain = filesOf(body, spec.compression, limits.maxBytes).map((file) =>
    inUtf8(file, spec.charset),
  )
  const [single] = plain
  const raw = reading && single && plain.length === 1 ? readRaw(single, reading) : null
  if (raw) return { response: raw.response, isDeep: false, raw }
  const files = plain.map((file) => decodeFile(file, spec, limits.secrets))
  const [only] = files
  if (only && files.length === 1) return only
  // Several files in an archive are parts of one report.
  return {
    response: files.flatMap(({ response }) => response),
    isDeep: files.some(({ isDeep }) => isDeep),
  }
}

function decodeFile(file: Uint8Array, spec: Records, secrets: readonly string[]): Document {
  const text = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  switch (spec.format) {
    case 'json': {
      const { value, isDeep } = parseJson(file, secrets)
      return { response: value, isDeep }
    }
    case 'jsonl':
      return decodeLines(text, secrets)
    case 'csv':
      return { response: parseCsv(text.toString('utf8'), spec.delimiter), isDeep: false }
    case 'xml':
      return { response: parseXml(text.toString('utf8'), spec.xml_item), isDeep: false }
    case 'lines': {
      const lines = text.toString('utf8').split(/\r?\n/)
      const full = lines.filter((line) => line !== '')
      const isPlain = spec.shape === 'scalars'
      return { response: isPlain ? full : full.map((value) => ({ value })), isDeep: false }
    }
  }
}

function decodeLines(text: Buffer, secrets: readonly string[]): Document {
  let isDeep = false
  const response: unknown[] = []
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf(10, at)
    const end = newline < 0 ? text.length : newline
    const line = text.subarray(at, end)
    at = end + 1
    if (line.length === 0 || (line.length === 1 && line[0] === 13)) continue
    const parsed = parseJson(line, secrets)
    isDeep ||= parsed.isDeep
    response.push(parsed.value)
  }
  return { response, isDeep }
}

/** The loader has seen to it that the name is one that the platform knows. */
function inUtf8(file: Uint8Array, charset: string): Uint8Array {
  return /^utf-?8$/i.test(charset) ? file : Buffer.from(new TextDecoder(charset).decode(file))
}

/** One JSON object: the form of answers that hold no records, such as those to checks and sign-ins. */
export const jsonObject: Records = {
  at: '',
  shape: 'object',
  format: 'json',
  compression: 'none',
  delimiter: ',',
  charset: 'utf-8',
}

/** Compiles where records are and what becomes of them. */
export function makeRecordPicker(spec: Records): RecordPicker {
  const itemsOf = itemFinder(spec)
  const expand = spec.expand ? expander(spec.expand) : null
  const where = spec.where === undefined ? null : compileExpression(spec.where, namesAt('record'))
  return {
    items: itemsOf,
    rows(items, document, scope, rejects) {
      let rows = shaped(items, spec, rejects)
      if (document.isDeep) rows = rows.filter((row) => !isTooDeep(row, rejects))
      if (spec.include === 'jsonapi') rows = includeRelated(rows, document.response)
      if (expand) rows = expand(rows, rejects)
      if (where) rows = rows.filter((row) => keeps(where, row, scope))
      return rows
    },
  }
}

function keeps(where: Evaluate, record: Row, scope: ReadScope): boolean {
  return truthy(where({ ...scope, record }))
}

const wildcard = /(^|\.)\*/

function itemFinder(spec: Records): (response: unknown) => unknown[] {
  const at = compilePath(spec.at)
  const orAt = spec.or_at === undefined ? null : compilePath(spec.or_at)
  return (response) => {
    const first = at(response)
    const found = (first ?? null) === null && orAt ? (orAt(response) ?? first) : first
    // Absent is not empty: an error that comes with status 200 must not pass for "there are no records".
    if (found === undefined && !wildcard.test(spec.at)) throw missing(spec, response)
    if (found === null || found === undefined) return []
    switch (spec.shape) {
      case 'list':
      case 'scalars':
        if (!Array.isArray(found)) throw wrongShape(spec, 'a list', found)
        return found
      case 'table':
        if (!Array.isArray(found)) throw wrongShape(spec, 'a list of rows', found)
        return tableRows(found, spec)
      case 'object':
        if (!isRecord(found)) throw wrongShape(spec, 'a map', found)
        return [found]
      case 'values':
        if (!isRecord(found)) throw wrongShape(spec, 'a map of records', found)
        return Object.values(found)
    }
  }
}

function tableRows(rows: unknown[], spec: Records): unknown[] {
  const [names, ...rest] = rows
  if (names === undefined) return []
  if (!Array.isArray(names)) throw wrongShape(spec, 'rows that are lists', names)
  return rest.map((row) => {
    if (!Array.isArray(row)) throw wrongShape(spec, 'rows that are lists', row)
    const record: Row = {}
    for (const [index, name] of names.entries()) setOwn(record, String(name), row[index] ?? null)
    return record
  })
}

const maxSample = 1_000

function shaped(items: unknown[], spec: Records, rejects: Reject[]): Row[] {
  if (spec.shape === 'scalars') return items.map((value) => ({ value }))
  const rows: Row[] = []
  for (const [index, item] of items.entries()) {
    if (isRecord(item)) rows.push(item)
    else rejects.push(reject('not an object', `item ${index} of its page`, item))
  }
  // One stray item is data gone wrong; a page of them is a wrong manifest.
  if (rows.length === 0 && items.length > 0)
    throw derrickError(
      'transform',
      'records.not_objects',
      `no item at ${placeOf(spec)} is an object; the first is ${sample(items[0], 60)}`,
      { remedy: 'check records.at; for plain values use shape: scalars, for rows shape: table' },
    )
  return rows
}

function isTooDeep(row: Row, rejects: Reject[]): boolean {
  if (!isDeeper(row, maxDepth)) return false
  rejects.push({ reason: `nested deeper than ${maxDepth}`, where: whereOf(row), sample: '' })
  return true
}

const whereOf = (row: Row): string => {
  const id = Object.hasOwn(row, 'id') ? row.id : undefined
  return typeof id === 'object' || id === undefined ? 'a record without id' : `id ${String(id)}`
}

const sample = (value: unknown, length = maxSample): string =>
  String(JSON.stringify(value)).slice(0, length)

const reject = (reason: string, where: string, value: unknown): Reject => ({
  reason,
  where,
  sample: sample(value),
})

/** One record for each item of a list inside; an item that is no object becomes {value}. */
function expander(spec: NonNullable<Records['expand']>): (rows: Row[], rejects: Reject[]) => Row[] {
  const listAt = compilePath(spec.at)
  const keep =
    spec.keep === 'all' ? 'all' : spec.keep.map((path) => [path, compilePath(path)] as const)
  return (rows, rejects) =>
    rows.flatMap((row) => {
      const list = listAt(row)
      if (list === null || list === undefined) return []
      if (!Array.isArray(list)) {
        rejects.push(reject(`${spec.at} is no list`, whereOf(row), list))
        return []
      }
      return list.map((item: unknown) => {
        let made: Row = keep === 'all' ? copyOf(row) : {}
        if (keep !== 'all') {
          for (const [path, find] of keep) made = setPath(made, path, find(row)) as Row
        }
        if (spec.as !== undefined) return setPath(made, spec.as, item) as Row
        // The item's own fields win over those kept from the outer record.
        return isRecord(item) ? { ...made, ...item } : { ...made, value: item }
      })
    })
}

const placeOf = (spec: Records): string => (spec.at === '' ? 'the top of the answer' : spec.at)

const missing = (spec: Records, response: unknown) =>
  derrickError(
    'transform',
    'records.missing',
    `the answer has nothing at ${placeOf(spec)}; it has ${namesOf(response)}`,
    {
      remedy:
        'check records.at; where the API leaves it out when there is nothing, say so: errors: [{when: {if: ...}, then: empty}]',
    },
  )

function namesOf(response: unknown): string {
  if (!isRecord(response)) return Array.isArray(response) ? 'a list' : typeof response
  const names = Object.keys(response).slice(0, 12)
  return names.length === 0 ? 'no fields' : names.map((name) => name.slice(0, 40)).join(', ')
}

const wrongShape = (spec: Records, wanted: string, found: unknown) =>
  derrickError(
    'transform',
    'records.shape',
    `${placeOf(spec)} is not ${wanted} but ${Array.isArray(found) ? 'a list' : sample(found, 60)}`,
    { remedy: 'check records.at and records.shape' },
  )
