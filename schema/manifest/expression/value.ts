import { exactNumber, rawNumber } from '../exact-number.ts'
import { ExpressionError } from './error.ts'
import { charge, chargeResult } from './limit.ts'

/** Names for messages and for `typeOf`. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'list'
  const plain = exactNumber(value)
  if (typeof plain === 'object') return 'map'
  return typeof plain === 'bigint' ? 'number' : typeof plain
}

const typeError = (wanted: string, value: unknown) =>
  new ExpressionError('type', `expected ${wanted}, got ${typeName(value)}`)

/** null, false, 0, and empty texts, lists and maps are false; everything else is true. */
export function truthy(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === '') {
    return false
  }
  if (typeof value !== 'object') return value !== 0n
  if (Array.isArray(value)) return value.length > 0
  for (const key in value) if (Object.hasOwn(value, key)) return true
  return false
}

/** Deep equality without conversion: `1 == "1"` is false. */
export function equal(left: unknown, right: unknown, depth = 0): boolean {
  if (left === right) return true
  const a = exactNumber(left)
  const b = exactNumber(right)
  if (a == null || b == null) return a == null && b == null
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    // biome-ignore lint/suspicious/noDoubleEquals: only == compares a bigint with a number by value
    return isNumeric(a) && isNumeric(b) && a == b
  }
  if (typeof a !== 'object' || typeof b !== 'object') return false
  if (depth > 512) throw new ExpressionError('too_deep', 'the values are nested too deep')
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    charge(a.length)
    return a.every((item, index) => equal(item, b[index], depth + 1))
  }
  const keys = Object.keys(a)
  charge(keys.length)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) &&
      equal((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], depth + 1),
  )
}

const isNumeric = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint'

/** Order of two numbers or two texts. @throws ExpressionError type for anything else */
export function compare(left: unknown, right: unknown): number {
  const a = exactNumber(left)
  const b = exactNumber(right)
  if ((isNumeric(a) && isNumeric(b)) || (typeof a === 'string' && typeof b === 'string')) {
    return a < b ? -1 : a > b ? 1 : 0
  }
  throw new ExpressionError('type', `cannot compare ${typeName(a)} with ${typeName(b)}`)
}

/** @throws ExpressionError type: texts are not converted, `number(x)` does that */
export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  const plain = exactNumber(value)
  if (typeof plain === 'number' || typeof plain === 'bigint') return Number(plain)
  throw typeError('number', value)
}

/** @throws ExpressionError number */
export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new ExpressionError('number', 'the result is not a number')
  return value
}

export function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  throw typeError('list', value)
}

export function mapOf(value: unknown): Record<string, unknown> {
  if (typeName(value) === 'map') {
    return value as Record<string, unknown>
  }
  throw typeError('map', value)
}

/** A scalar as text; null is an error, so that a missing id never makes a wrong address. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
    return String(value)
  }
  if (typeof value === 'object' && value !== null) return jsonOf(value)
  throw new ExpressionError('missing', 'a value is null here; give it a fallback with ??')
}

/** JSON text, bounded. Numbers beyond 2^53 stay exact. */
export function jsonOf(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? rawNumber(item) : item,
  )
  chargeResult(text?.length ?? 0)
  return text ?? 'null'
}

/** Adds an own property whatever its name, `__proto__` included. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  } else target[key] = value
}
