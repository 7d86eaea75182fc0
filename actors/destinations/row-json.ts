import { isExact } from './raw-json.ts'
import type { Row } from './writer.ts'

export const maxRowBytes = 16 * 1024 * 1024
export const maxRowDepth = 512
/** names in one object of a record */
export const maxObjectKeys = 10_000
const sampleLength = 1000

/** A level of nesting takes two characters, a member five: shorter texts can't be over the bounds. */
const deepText = maxRowDepth * 2
/** JSON.stringify escapes NUL and lone surrogates, and nothing else, this way. */
const hostileEscape = /\\u(?:0000|[dD][89a-fA-F])/

/** Why a record cannot be written. */
export interface RowProblem {
  reason: string
}

/** What the policy replaced so far, counted over an attempt. */
export interface RowCounts {
  sanitised: number
}

/**
 * JSON text of one record, on one line: names as they are, exact numbers kept (JSON.rawJSON), NUL and lone surrogates
 * replaced by U+FFFD and counted. The record comes from JSON.parse, so it has plain data only. For the usual record this
 * is one JSON.stringify and one search in its text.
 */
export function rowText(record: unknown, counts: RowCounts): string | RowProblem {
  if (!isObject(record)) return { reason: 'it is not an object' }
  let text: string
  try {
    text = JSON.stringify(record)
  } catch {
    // Nothing in plain data can throw but its depth (the stack) or its size (the longest string).
    return { reason: `it is nested deeper than ${maxRowDepth} levels, or too large` }
  }
  if (text.length > deepText) {
    const problem = boundsProblem(record, 1)
    if (problem) return problem
  }
  if (text.includes('\\u') && hostileEscape.test(text)) {
    const clean = sanitisedText(record, counts)
    if (typeof clean !== 'string') return clean
    text = clean
  }
  if (text.length * 3 > maxRowBytes && Buffer.byteLength(text) > maxRowBytes) {
    return { reason: `it is larger than ${maxRowBytes} bytes` }
  }
  return text
}

/** The start of a record as JSON, for a person who looks for it; never throws. */
export function sampleOf(record: unknown): string {
  let text: string
  try {
    text = JSON.stringify(record) ?? String(record)
  } catch {
    text = `{${Object.keys(record as object)
      .slice(0, 20)
      .map((name) => `${JSON.stringify(name.slice(0, 100))}:…`)}}`
  }
  return text.length > sampleLength ? `${text.slice(0, sampleLength).toWellFormed()}…` : text
}

const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExact(value)

function boundsProblem(value: object, depth: number): RowProblem | null {
  if (depth > maxRowDepth) return { reason: `it is nested deeper than ${maxRowDepth} levels` }
  const members = Object.values(value)
  if (members.length > maxObjectKeys && !Array.isArray(value)) {
    return { reason: `an object in it has more than ${maxObjectKeys} names` }
  }
  for (const member of members) {
    if (typeof member !== 'object' || member === null || isExact(member)) continue
    const problem = boundsProblem(member, depth + 1)
    if (problem) return problem
  }
  return null
}

/** The slow path, for the few records that hold what JSON allows and stores don't. */
function sanitisedText(record: Row, counts: RowCounts): string | RowProblem {
  const replaced = { sanitised: 0 }
  const clean = cleanValue(record, replaced)
  if (clean === undefined) {
    return { reason: 'two of its names differ only in characters that cannot be stored' }
  }
  counts.sanitised += replaced.sanitised
  return clean
}

/** JSON text of a value by the policy; undefined when two names of an object become one. */
function cleanValue(value: unknown, counts: RowCounts): string | undefined {
  if (typeof value === 'string') return JSON.stringify(cleanText(value, counts))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (isExact(value)) {
    const parsed: unknown = JSON.parse(JSON.stringify(value))
    return typeof parsed === 'string' ? cleanValue(parsed, counts) : JSON.stringify(value)
  }
  if (Array.isArray(value)) return cleanList(value, counts)
  const members = new Map<string, string>()
  for (const name of Object.keys(value)) {
    const clean = cleanText(name, counts)
    const text = cleanValue((value as Row)[name], counts)
    if (text === undefined || members.has(clean)) return undefined
    members.set(clean, `${JSON.stringify(clean)}:${text}`)
  }
  return `{${[...members.values()].join(',')}}`
}

function cleanList(values: unknown[], counts: RowCounts): string | undefined {
  const texts = values.map((value) => cleanValue(value, counts))
  return texts.includes(undefined) ? undefined : `[${texts.join(',')}]`
}

/** A text without NUL and lone surrogates; one that had some is counted once. */
export function cleanText(text: string, counts: RowCounts): string {
  const clean = text.toWellFormed().replaceAll('\0', '\ufffd')
  if (clean !== text) counts.sanitised += 1
  return clean
}
