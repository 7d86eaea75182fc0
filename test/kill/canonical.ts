import { hash } from 'node:crypto'

const wholeNumber = /^-?\d+$/
/** A double keeps this many digits of any decimal. */
const exactDigits = 15

/**
 * One text for all JSON texts that mean the same record: names sorted, numbers by value and exact beyond 2^53,
 * NUL and lone surrogates as the policy writes them. `without` names fields that are left out.
 */
export function canonicalRecord(json: string, without: ReadonlySet<string> = new Set()): string {
  const reviver = (_: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' ? { number: canonicalNumber(value, context?.source) } : value
  return canonicalValue(JSON.parse(json, reviver as never), without)
}

function canonicalValue(value: unknown, without: ReadonlySet<string>): string {
  if (typeof value === 'string') return JSON.stringify(cleaned(value))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value))
    return `[${value.map((each) => canonicalValue(each, nothing)).join(',')}]`
  const members = Object.entries(value)
    .filter(([name]) => !without.has(name))
    .map(([name, each]) => `${JSON.stringify(cleaned(name))}:${canonicalValue(each, nothing)}`)
  return `{${members.sort().join(',')}}`
}

const nothing: ReadonlySet<string> = new Set()

const cleaned = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

function canonicalNumber(value: number, source: string | undefined): string {
  if (source === undefined) return String(value)
  if (wholeNumber.test(source)) return String(BigInt(source))
  return source.replace(/\D/g, '').length <= exactDigits ? String(value) : source
}

/** Stands for a record where many are remembered. */
export const digestOf = (record: string): string => hash('sha256', record, 'base64').slice(0, 20)
