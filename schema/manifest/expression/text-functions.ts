import { ExpressionError } from './error.ts'
import { type ExpressionFunction, fn } from './function.ts'
import { charge, chargeResult } from './limit.ts'
import { matchOf, replaceMatches } from './regex.ts'
import { jsonOf, numberOf, textOf } from './value.ts'

function replace(value: unknown, from: unknown, to: unknown): string {
  const text = textOf(value)
  const search = textOf(from)
  const by = textOf(to)
  charge(text.length)
  if (search === '') return text
  const parts = text.split(search)
  chargeResult(text.length + (parts.length - 1) * (by.length - search.length))
  return parts.join(by)
}

function split(value: unknown, separator: unknown, limit?: unknown): string[] {
  const text = textOf(value)
  charge(text.length)
  const by = textOf(separator)
  return limit === undefined
    ? text.split(by)
    : text.split(by, Math.max(0, Math.trunc(numberOf(limit))))
}

/** Characters of `set` (or white space) at the ends. */
function trim(value: unknown, set: unknown, start: boolean, end: boolean): string {
  const text = textOf(value)
  charge(text.length)
  const isOut = (character: string) =>
    set === undefined ? /\s/.test(character) : textOf(set).includes(character)
  let from = 0
  let to = text.length
  while (start && from < to && isOut(text[from] as string)) from += 1
  while (end && to > from && isOut(text[to - 1] as string)) to -= 1
  return text.slice(from, to)
}

function pad(value: unknown, length: unknown, by: unknown = ' '): string {
  const size = Math.trunc(numberOf(length))
  chargeResult(size)
  return textOf(value).padStart(size, textOf(by))
}

function concat(...values: unknown[]): string {
  const texts = values.map(textOf)
  chargeResult(texts.reduce((total, text) => total + text.length, 0))
  return texts.join('')
}

function parseJson(value: unknown): unknown {
  const text = textOf(value)
  chargeResult(text.length)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ExpressionError('type', `not JSON: ${(error as Error).message}`)
  }
}

/** `orderID2Name` → `order_id2_name`; also spaces and dashes become underscores. */
export function snakeCase(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replace(/[\s-]+/g, '_')
    .toLowerCase()
}

function urlEncode(value: unknown): string {
  const text = textOf(value)
  charge(text.length * 3)
  return encodeURIComponent(text.toWellFormed())
}

const bounded = (change: (text: string) => string) => (value: unknown) => {
  const text = textOf(value)
  charge(text.length)
  return change(text)
}

export const textFunctions: Record<string, ExpressionFunction> = {
  string: fn(1, 1, (value) => (value === null ? '' : textOf(value))),
  json: fn(1, 1, jsonOf),
  parseJson: fn(1, 1, parseJson),
  lower: fn(
    1,
    1,
    bounded((text) => text.toLowerCase()),
  ),
  upper: fn(
    1,
    1,
    bounded((text) => text.toUpperCase()),
  ),
  snakeCase: fn(1, 1, bounded(snakeCase)),
  trim: fn(1, 2, (value, set) => trim(value, set, true, true)),
  trimStart: fn(1, 2, (value, set) => trim(value, set, true, false)),
  trimEnd: fn(1, 2, (value, set) => trim(value, set, false, true)),
  startsWith: fn(2, 2, (value, start) => textOf(value).startsWith(textOf(start))),
  endsWith: fn(2, 2, (value, end) => textOf(value).endsWith(textOf(end))),
  split: fn(2, 3, split),
  replace: fn(3, 3, replace),
  replaceMatch: fn(
    3,
    3,
    (value, regex, by) => replaceMatches(textOf(value), textOf(regex), textOf(by)),
    {
      regexAt: 1,
    },
  ),
  match: fn(2, 2, (value, regex) => matchOf(textOf(value), textOf(regex)), { regexAt: 1 }),
  padStart: fn(2, 3, pad),
  concat: fn(1, 99, concat),
  urlEncode: fn(1, 1, urlEncode),
}
