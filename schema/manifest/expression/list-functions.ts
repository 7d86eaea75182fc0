import { ExpressionError } from './error.ts'
import { type ExpressionFunction, fn } from './function.ts'
import { charge, chargeResult } from './limit.ts'
import {
  compare,
  equal,
  finite,
  jsonOf,
  listOf,
  mapOf,
  numberOf,
  setOwn,
  textOf,
  truthy,
  typeName,
} from './value.ts'

const counted = (value: unknown): unknown[] => {
  const list = listOf(value)
  charge(list.length)
  return list
}

/** A field of a map, null when it is not there. */
function field(of: unknown, key: unknown): unknown {
  if (typeof of !== 'object' || of === null) return null
  const name = textOf(key)
  return Object.hasOwn(of, name) ? ((of as Record<string, unknown>)[name] ?? null) : null
}

function size(value: unknown): number {
  if (value === null) return 0
  if (typeof value === 'string' || Array.isArray(value)) return value.length
  return Object.keys(mapOf(value)).length
}

function join(list: unknown, separator: unknown = ''): string {
  const texts = counted(list).map(textOf)
  const by = textOf(separator)
  chargeResult(texts.reduce((total, text) => total + text.length + by.length, 0))
  return texts.join(by)
}

function slice(value: unknown, from: unknown, to: unknown): unknown {
  const start = numberOf(from)
  const end = to === undefined || to === null ? undefined : numberOf(to)
  if (typeof value === 'string') return value.slice(start, end)
  return counted(value).slice(start, end)
}

/** The item at one end of a list, or the character at one end of a text; null when it is empty. */
function end(value: unknown, last: boolean): unknown {
  if (value === null) return null
  const of = typeof value === 'string' ? value : listOf(value)
  return of[last ? of.length - 1 : 0] ?? null
}

function unique(value: unknown): unknown[] {
  const seen = new Set<unknown>()
  return counted(value).filter((item) => {
    const key = typeof item === 'object' && item !== null ? `json:${jsonOf(item)}` : item
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

const comparisons: Record<string, (a: unknown, b: unknown) => boolean> = {
  '==': (a, b) => equal(a, b),
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => compare(a, b) < 0,
  '<=': (a, b) => compare(a, b) <= 0,
  '>': (a, b) => compare(a, b) > 0,
  '>=': (a, b) => compare(a, b) >= 0,
}

/** Maps of a list whose field is true, or compares with a value: `pickWhere(xs, "role", "==", "admin")`. */
function pickWhere(list: unknown, key: unknown, operator?: unknown, value?: unknown): unknown[] {
  if (operator === undefined) return counted(list).filter((item) => truthy(field(item, key)))
  const name = textOf(operator)
  const test = Object.hasOwn(comparisons, name) ? comparisons[name] : undefined
  if (!test)
    throw new ExpressionError('arguments', `pickWhere knows ${Object.keys(comparisons).join(' ')}`)
  return counted(list).filter((item) => test(field(item, key), value ?? null))
}

function sort(value: unknown, key?: unknown): unknown[] {
  const of = key === undefined ? (item: unknown) => item : (item: unknown) => field(item, key)
  charge(listOf(value).length * 16)
  return [...listOf(value)].sort((a, b) => compare(of(a), of(b)))
}

/** The least or greatest of several values, or of one list; null for an empty list. */
function extreme(values: unknown[], sign: 1 | -1): unknown {
  const list = values.length === 1 ? counted(values[0]) : values
  if (list.length === 0) return null
  return list.reduce((best, item) => (compare(item, best) * sign > 0 ? item : best))
}

function flatten(value: unknown): unknown[] {
  const list = counted(value)
  chargeResult(list.reduce((n: number, item) => n + (Array.isArray(item) ? item.length : 1), 0))
  return list.flat(1)
}

function merge(...maps: unknown[]): Record<string, unknown> {
  const merged: Record<string, unknown> = {}
  for (const map of maps) {
    const entries = Object.entries(mapOf(map))
    charge(entries.length)
    for (const [key, value] of entries) setOwn(merged, key, value)
  }
  return merged
}

function toNumber(value: unknown): number {
  if (value === true) return 1
  if (value === false) return 0
  if (typeof value === 'string' && /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(value)) {
    return finite(Number(value))
  }
  return numberOf(value)
}

function round(value: unknown, places: unknown = 0): number {
  const digits = Math.trunc(numberOf(places))
  if (digits < 0 || digits > 15) throw new ExpressionError('arguments', 'round to 0..15 places')
  // Through the exponent of its text, so that 1.005 is not first made 1.00499…
  return Number(`${Math.round(Number(`${numberOf(value)}e${digits}`))}e-${digits}`)
}

export const listFunctions: Record<string, ExpressionFunction> = {
  typeOf: fn(1, 1, typeName),
  size: fn(1, 1, size),
  join: fn(1, 2, join),
  slice: fn(2, 3, slice),
  first: fn(1, 1, (value) => end(value, false)),
  last: fn(1, 1, (value) => end(value, true)),
  unique: fn(1, 1, unique),
  reverse: fn(1, 1, (value) => [...counted(value)].reverse()),
  sort: fn(1, 2, sort),
  flatten: fn(1, 1, flatten),
  pluck: fn(2, 2, (list, key) => counted(list).map((item) => field(item, key))),
  pickWhere: fn(2, 4, pickWhere),
  keys: fn(1, 1, (value) => counted(Object.keys(mapOf(value)))),
  values: fn(1, 1, (value) => counted(Object.values(mapOf(value)))),
  merge: fn(1, 9, merge),
  number: fn(1, 1, toNumber),
  int: fn(1, 1, (value) => Math.trunc(toNumber(value))),
  boolean: fn(1, 1, (value) =>
    typeof value === 'string' ? !/^(false|no|off|0|)$/i.test(value) : truthy(value),
  ),
  abs: fn(1, 1, (value) => Math.abs(numberOf(value))),
  floor: fn(1, 1, (value) => Math.floor(numberOf(value))),
  ceil: fn(1, 1, (value) => Math.ceil(numberOf(value))),
  round: fn(1, 2, round),
  min: fn(1, 9, (...values) => extreme(values, -1)),
  max: fn(1, 9, (...values) => extreme(values, 1)),
}
