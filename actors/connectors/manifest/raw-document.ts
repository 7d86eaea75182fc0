import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { parsePath } from '../../../schema/manifest/path.ts'
import { viewOf } from '../../destinations/row-hash.ts'
import { parseJson } from '../../http/json.ts'
import { afterBlanks } from '../../http/json-bytes.ts'
import { RecordScanner } from '../../http/record-scanner.ts'
import { type RawRecords, type RawWish, rawValue } from '../../raw-records.ts'
import type { PageItems } from './page-items.ts'
import type { StreamPlan } from './stream-plan.ts'

/** So many pages in a row that the scanner gives up, and it is no longer asked in this read. */
const mostMisses = 3
/** Shorter bodies are parsed faster than looked at twice. */
const leastBytes = 2048

const quote = 0x22
const backslash = 0x5c

/** Reads the pages of one read of a stream without parsing their records, where that comes to the same. */
export interface RawReading {
  scanner: RecordScanner
  /** names that lead to the list, quoted */
  names: Uint8Array[]
  path: string[]
  stride: number
  /** the place of the window's field among the wanted ones */
  timeField: number
  misses: number
}

/** An answer of which only what is around its records was parsed. */
export interface RawDocument {
  /** as if all of it had been parsed: the records are, when something asks for them */
  response: unknown
  records: RawRecords
  items: PageItems
}

/** Null when the manifest changes records, or looks at them in a way that needs them parsed. */
export function rawReading(plan: StreamPlan, wish: RawWish): RawReading | null {
  const { records, window } = plan.stream
  const { format, shape, expand, where, include, at } = records
  if (format !== 'json' || shape !== 'list' || expand || where !== undefined || include) return null
  if (plan.change || plan.isDeleted) return null
  const path = namesOf(at)
  if (path.length === 0) return null
  const fields = [...wish.fields]
  let timeField = -1
  if (plan.ownership && window) {
    const steps = namesOf(window.field)
    const [name] = steps
    if (steps.length !== 1 || name === undefined) return null
    timeField = fields.indexOf(name)
    if (timeField < 0) timeField = fields.push(name) - 1
  }
  return {
    scanner: new RecordScanner(fields, wish.reserved, wish.all),
    names: path.map((name) => Buffer.from(JSON.stringify(name))),
    path,
    stride: fields.length * 2,
    timeField,
    misses: 0,
  }
}

/** The names of a path that has nothing but names; none for any other. */
function namesOf(path: string): string[] {
  const steps = parsePath(path) ?? []
  return steps.every((step) => 'name' in step) ? steps.map(({ name }) => name) : []
}

/** The answer in a body, its records left as they are; null when it has to be parsed. */
export function readRaw(body: Uint8Array, reading: RawReading): RawDocument | null {
  if (reading.misses >= mostMisses || body.length < leastBytes) return null
  const found = isUtf8(body) ? read(body, reading) : null
  reading.misses = found ? 0 : reading.misses + 1
  return found
}

/** Stands for the list while the rest of the answer is parsed; nobody outside knows it. */
const marker = `derrick ${randomBytes(16).toString('hex')}`

function read(body: Uint8Array, reading: RawReading): RawDocument | null {
  const { scanner, names, path, stride } = reading
  const from = listIn(body, names)
  if (from < 0) return null
  const view = viewOf(body)
  const scanned = scanner.scan(body, view, from)
  if (!scanned) return null
  const { table, end } = scanned
  const response = envelope(body, from - 1, end + 1, path)
  if (response === null) return null
  const { count, starts, ends } = table
  const itemAt = (index: number): (() => unknown) => {
    const [first, last] = [starts[index] as number, ends[index] as number]
    return () => (count === 0 ? undefined : rawValue(body, first, last))
  }
  return {
    response,
    records: { body, view, table, stride },
    items: { count, first: itemAt(0), last: itemAt(count - 1) },
  }
}

/** The answer with its list, from `from` to `to`, parsed only when it is asked for. Null when it is no JSON, or the list is another. */
function envelope(body: Uint8Array, from: number, to: number, path: string[]): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  let response: unknown
  try {
    const around = `${text.toString('utf8', 0, from)}"${marker}"${text.toString('utf8', to)}`
    response = parseJson(Buffer.from(around)).value
  } catch {
    return null
  }
  let parent = response
  for (const name of path.slice(0, -1)) parent = memberOf(parent, name)
  const last = path.at(-1) as string
  if (memberOf(parent, last) !== marker) return null
  let list: unknown
  Object.defineProperty(parent, last, {
    configurable: true,
    enumerable: true,
    get: () => {
      list ??= rawValue(body, from, to)
      return list
    },
  })
  return response
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}

/** The byte after the `[` of the list that the names lead to; -1 when there is none, or no simple way to it. */
function listIn(body: Uint8Array, names: readonly Uint8Array[]): number {
  let at = afterBlanks(body, 0)
  for (const [depth, name] of names.entries()) {
    at = memberIn(body, at, name)
    if (at < 0) return -1
    if (depth === names.length - 1) return body[at] === 0x5b ? at + 1 : -1
  }
  return -1
}

/** Where the value of a name in the object at `at` begins; -1 when it has none. */
function memberIn(body: Uint8Array, start: number, name: Uint8Array): number {
  if (body[start] !== 0x7b) return -1
  let at = afterBlanks(body, start + 1)
  for (;;) {
    if (body[at] !== quote) return -1
    const end = stringEnd(body, at)
    if (end < 0) return -1
    const isIt = end - at === name.length && name.every((byte, i) => body[at + i] === byte)
    at = afterBlanks(body, end)
    if (body[at] !== 0x3a) return -1
    at = afterBlanks(body, at + 1)
    if (isIt) return at
    at = afterBlanks(body, valueEnd(body, at))
    if (body[at] !== 0x2c) return -1
    at = afterBlanks(body, at + 1)
  }
}

/** The byte after a string's closing quote. */
function stringEnd(body: Uint8Array, start: number): number {
  for (let at = start + 1; at < body.length; at += 1) {
    if (body[at] === quote) return at + 1
    if (body[at] === backslash) at += 1
  }
  return -1
}

/** The end of a value of valid JSON; what it makes of anything else is found out when the envelope is parsed. */
function valueEnd(body: Uint8Array, start: number): number {
  let depth = 0
  for (let at = start; at < body.length; ) {
    const byte = body[at] as number
    if (byte === quote) {
      at = stringEnd(body, at)
      if (at < 0) return body.length
      if (depth === 0) return at
      continue
    }
    if (byte === 0x7b || byte === 0x5b) depth += 1
    else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return at
      depth -= 1
      if (depth === 0) return at + 1
    } else if (byte === 0x2c && depth === 0) return at
    at += 1
  }
  return body.length
}
