import type { LaneType } from './types.ts'

/** Digits and exponents beyond this are kept as text: no type of the server's holds them all. */
const mostDigits = 1000
const mostBigint = 9223372036854775807n
const leastBigint = -9223372036854775808n
/** Shorter whole numbers fit a bigint without a look. */
const safeDigits = 18

/** A number as SQL and COPY take it: plain decimal text and the narrowest type that holds it. */
export interface NumberText {
  text: string
  type: Extract<LaneType, 'bigint' | 'numeric'>
}

/** The one rendering of a number, without exponent, `-0` as `0`; null when it is too long to be a number anywhere. */
export function numberText(source: string): NumberText | null {
  const text = /[eE]/.test(source) ? withoutExponent(source) : source
  if (text === null || text.length > mostDigits) return null
  if (text.startsWith('-0') && /^-0+(\.0+)?$/.test(text))
    return { text: text.slice(1), type: typeOf(text.slice(1)) }
  return { text, type: typeOf(text) }
}

function typeOf(text: string): NumberText['type'] {
  if (text.includes('.')) return 'numeric'
  if (text.length <= safeDigits) return 'bigint'
  const value = BigInt(text)
  return value >= leastBigint && value <= mostBigint ? 'bigint' : 'numeric'
}

function withoutExponent(source: string): string | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(source)
  if (!match) return null
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const shift = Number(exponent)
  if (Math.abs(shift) > mostDigits || source.length > mostDigits) return null
  const digits = whole + fraction
  const point = whole.length + shift
  const padded = digits.padStart(digits.length + Math.max(0, 1 - point), '0').padEnd(point, '0')
  const at = Math.max(point, 1)
  const before = padded.slice(0, at).replace(/^0+(?=\d)/, '')
  const after = padded.slice(at).replace(/0+$/, '')
  return `${sign}${before}${after === '' ? '' : `.${after}`}`
}
