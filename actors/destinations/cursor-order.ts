import { isExact } from './raw-json.ts'

/**
 * Orders two cursor values of one field: below zero when `a` is older. Missing, null and unreadable are oldest; numbers by
 * value, texts as instants where both are, else by code units. Equal rank is a tie, for the caller to decide.
 */
export function compareCursors(a: unknown, b: unknown): number {
  if (a === b) return 0
  const left = rank(a)
  const right = rank(b)
  if (left !== null && right !== null) {
    if (left !== right) return left < right ? -1 : 1
    return finer(a, b)
  }
  if (left === null && right === null) {
    return typeof a === 'string' && typeof b === 'string' && a !== b ? (a < b ? -1 : 1) : 0
  }
  return left === null ? -1 : 1
}

const instant = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)/

/** A number that orders as the value does; null when it has none. */
function rank(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'object' && value !== null && isExact(value)) {
    return rank(Number(JSON.stringify(value)))
  }
  if (typeof value !== 'string') return null
  const parsed = instant.test(value) ? Date.parse(value) : Number.parseFloat(value)
  return Number.isNaN(parsed) ? null : parsed
}

/** Below a millisecond Date sees a tie; texts of equal length still tell fractions apart when only they differ. */
function finer(a: unknown, b: unknown): number {
  if (typeof a !== 'string' || typeof b !== 'string' || a.length !== b.length) return 0
  const seconds = 'YYYY-MM-DDThh:mm:ss'.length
  if (a.slice(0, seconds) !== b.slice(0, seconds) || a === b) return 0
  return a < b ? -1 : 1
}
