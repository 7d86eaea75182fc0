import { isUtf8 } from 'node:buffer'
import { type DerrickError, derrickError } from '../../schema/error.ts'
import { excerptOf } from './mask.ts'

export interface JsonDocument {
  value: unknown
  /** something in it nests deeper than a record may (`maxDepth`) */
  isDeep: boolean
  /** U+FFFD in the text where its bytes were not UTF-8; 0 for clean bodies */
  replaced: number
}

/** Nesting of objects and lists in one record; databases and other readers give up at about 1,000. */
export const maxDepth = 512
/** Nesting of a whole answer: one record that is too deep is left out, an answer that is a bomb is refused. */
export const maxDocumentDepth = 2_000

/** Runs of this many digits and points may not survive a double; 15 significant digits always do. */
const longRun = 16
const longNumber = /[:[,]\s*-?[\d.]{16}/

/**
 * Whether a page may hold a number that a double would change. A cheap look that ids in strings also trip is followed by an
 * exact one: together a tenth of the parse, where a single expression costs four tenths.
 */
function mayLoseDigits(body: Uint8Array, text: string): boolean {
  return (hasLongRun(body) && longNumber.test(text)) || hasExponent(text)
}

const maybeExponent = /\d[eE][-+\d]/g

/**
 * Whether a number with an exponent may be in it. Ids and hashes in strings also have digits around an `e`, so what stands
 * before the digits is looked at too; only a string that holds JSON or a list of such numbers is mistaken.
 */
function hasExponent(text: string): boolean {
  maybeExponent.lastIndex = 0
  for (let found = maybeExponent.exec(text); found; found = maybeExponent.exec(text)) {
    let first = found.index
    while (isDigit(text.charCodeAt(first - 1))) first -= 1
    if (text[first - 1] === '-') first -= 1
    if (first === 0 || opensValue.includes(text[first - 1] as string)) return true
  }
  return false
}

/** What may stand before a value: blanks, `:`, `[`, `,`. */
const opensValue = ' \t\n\r:[,'

/** Looks at every 16th byte only: a run of 16 covers one of them. */
function hasLongRun(body: Uint8Array): boolean {
  for (let at = longRun - 1; at < body.length; at += longRun) {
    if (!isDigit(body[at])) continue
    let first = at
    let last = at
    while (isDigit(body[first - 1])) first -= 1
    while (isDigit(body[last + 1])) last += 1
    if (last - first + 1 >= longRun) return true
  }
  return false
}

/** 0–9 and the point. */
const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= 46 && byte <= 57 && byte !== 47

/**
 * Decodes a JSON body. Numbers that a double would change come back as `JSON.rawJSON` objects holding their text, so
 * that they are written again as they came; all others are numbers. A byte order mark is skipped and bytes that are not
 * UTF-8 become U+FFFD and are counted: one bad name must not cost a page. `__proto__` stays a field like any other.
 * @throws DerrickError json.empty and json.cut (network, asked for again); json.html, json.malformed, json.too_deep (transform)
 */
export function parseJson(body: Uint8Array, secrets: readonly string[] = []): JsonDocument {
  const text = textOf(body)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw malformed(error, text, body, secrets)
  }
  const isDeep = isDeeper(value, maxDepth)
  if (isDeep && isDeeper(value, maxDocumentDepth))
    throw derrickError(
      'transform',
      'json.too_deep',
      `the answer nests deeper than ${maxDocumentDepth}`,
      { remedy: 'such answers are not read; ask for fewer fields' },
    )
  // Only after the depth is known: the reviver is recursive.
  if (mayLoseDigits(body, text)) value = JSON.parse(text, keepDigits)
  return { value, isDeep, replaced: isUtf8(body) ? 0 : countReplacements(text) }
}

function textOf(body: Uint8Array): string {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

function countReplacements(text: string): number {
  let count = 0
  for (let at = text.indexOf('\ufffd'); at >= 0; at = text.indexOf('\ufffd', at + 1)) count += 1
  return count
}

/** Whether lists and maps nest deeper than `left` levels. `for in` on plain objects is half the price of Object.values, and
 * they inherit nothing enumerable. */
export function isDeeper(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (left === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeper(item, left - 1)) return true
    return false
  }
  const record = value as Record<string, unknown>
  for (const key in record) if (isDeeper(record[key], left - 1)) return true
  return false
}

const safeLength = 15

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined) return value
  if (source.length <= safeLength && !/[eE]/.test(source)) return value
  return sameNumber(String(value), source) ? value : rawJson(source)
}

// The standard library's types do not know JSON.rawJSON yet.
const rawJson = (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON

/** Whether two decimal texts mean the same number, whatever their zeros and exponents. */
function sameNumber(one: string, other: string): boolean {
  const a = scientific(one)
  const b = scientific(other)
  return a !== null && b !== null && a.digits === b.digits && a.exponent === b.exponent
}

function scientific(text: string): { digits: string; exponent: number } | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (!match) return null
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = (whole + fraction).replace(/^0+/, '')
  // By hand: `/0+$/` takes quadratic time on a hostile run of zeros.
  let length = digits.length
  while (length > 0 && digits.charCodeAt(length - 1) === 48) length -= 1
  if (length === 0) return { digits: '0', exponent: 0 }
  const significant = digits.slice(0, length)
  const shift = digits.length - significant.length - fraction.length
  return { digits: sign + significant, exponent: Number(exponent) + shift }
}

function malformed(
  error: unknown,
  text: string,
  body: Uint8Array,
  secrets: readonly string[],
): DerrickError {
  const start = text.trimStart()
  if (start === '')
    return derrickError('network', 'json.empty', 'the answer has no body', {
      remedy: 'it is asked for again; if it persists, check the path with the API’s documentation',
    })
  if (start.startsWith('<'))
    return derrickError(
      'transform',
      'json.html',
      `the API answered with a web page instead of JSON: ${excerptOf(body, secrets)}`,
      { remedy: 'check base_url and path; a login page or a proxy may be answering' },
    )
  const message = error instanceof Error ? error.message : ''
  if (isCut(message, text))
    return derrickError('network', 'json.cut', 'the answer ends in the middle of its JSON')
  return derrickError(
    'transform',
    'json.malformed',
    `the answer is not JSON: ${excerptOf(body, secrets)}`,
    { remedy: 'check base_url, path and records.format with the API’s documentation' },
  )
}

/** The parser got to the very end and wanted more. */
function isCut(message: string, text: string): boolean {
  if (/^Unexpected end|^Unterminated/.test(message)) return true
  const position = /at position (\d+)/.exec(message)?.[1]
  return position !== undefined && Number(position) >= text.trimEnd().length
}
