import { hash } from 'node:crypto'

const nothing: ReadonlySet<string> = new Set()
const wholeNumber = /^-?\d+$/
/** A double keeps this many digits of any decimal. */
const exactDigits = 15

/** Columns that Derrick adds to every row. */
export const ours: ReadonlySet<string> = new Set([
  '_derrick_range',
  '_derrick_synced_at',
  '_derrick_id',
])

/**
 * One text for all JSON texts that mean the same record: names sorted, numbers by value and exact beyond 2^53,
 * NUL and lone surrogates as the policy writes them. `without` names fields that are left out,
 * `nulls` says whether fields without a value count.
 */
export function canonicalRecord(
  json: string,
  without: ReadonlySet<string> = nothing,
  nulls: 'keep' | 'drop' = 'keep',
): string {
  const reviver = (_: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' ? { number: canonicalNumber(value, context?.source) } : value
  const record: unknown = JSON.parse(json, reviver as never)
  return canonicalValue(
    record,
    (name, value) => !without.has(name) && (value !== null || nulls === 'keep'),
  )
}

const all = (): boolean => true

function canonicalValue(value: unknown, counts: (name: string, value: unknown) => boolean): string {
  if (typeof value === 'string') return JSON.stringify(cleaned(value))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((each) => canonicalValue(each, all)).join(',')}]`
  const members = Object.entries(value)
    .filter(([name, each]) => counts(name, each))
    .map(([name, each]) => `${JSON.stringify(cleaned(name))}:${canonicalValue(each, all)}`)
  return `{${members.sort().join(',')}}`
}

const cleaned = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

function canonicalNumber(value: number, source: string | undefined): string {
  if (source === undefined) return String(value)
  if (wholeNumber.test(source)) return String(BigInt(source))
  return source.replace(/\D/g, '').length <= exactDigits ? String(value) : source
}

/** Stands for a record where many are remembered. */
export const digestOf = (record: string): string => hash('sha256', record, 'base64').slice(0, 20)
