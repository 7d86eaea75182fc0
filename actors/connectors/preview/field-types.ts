import { instantOf } from '../../../schema/manifest/time.ts'
import type { PreviewField } from '../../../schema/preview.ts'
import type { Row } from '../../destinations/writer.ts'
import { isExactNumber, isRecord } from '../manifest/value.ts'

type Kind = 'integer' | 'number' | 'boolean' | 'timestamp' | 'date' | 'text' | 'list' | 'map'

interface Seen {
  kinds: Map<Kind, number>
  nulls: number
  present: number
  example: unknown
  /** of all texts: each is a number, a boolean, JSON */
  texts: { numbers: boolean; booleans: boolean; json: boolean; count: number }
  /** of all numbers: each may be an epoch time, in s or ms */
  epochs: boolean
}

/** Types that need no advice. */
export interface KnownTypes {
  /** by the manifest's `types` */
  declared: Readonly<Record<string, string>>
  /** fields whose type is not declared: keys keep that of their values, the cursor's column holds instants */
  fixed: readonly string[]
}

const mostFields = 300
const exampleLength = 60

/** The top-level fields of records in the order of their appearance, with what their values are. */
export function inferFields(records: readonly Row[], known: KnownTypes): PreviewField[] {
  const fields = new Map<string, Seen>()
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) {
      let seen = fields.get(name)
      if (!seen) {
        if (fields.size >= mostFields) continue
        seen = newSeen()
        fields.set(name, seen)
      }
      note(seen, value)
    }
  }
  return [...fields].map(([name, seen]) => described(name, seen, records.length, known))
}

const newSeen = (): Seen => ({
  kinds: new Map(),
  nulls: 0,
  present: 0,
  example: null,
  texts: { numbers: true, booleans: true, json: true, count: 0 },
  epochs: true,
})

function note(seen: Seen, value: unknown): void {
  seen.present += 1
  if (value === null || value === undefined) {
    seen.nulls += 1
    return
  }
  seen.example ??= value
  const kind = kindOf(value)
  seen.kinds.set(kind, (seen.kinds.get(kind) ?? 0) + 1)
  if (typeof value === 'string') noteText(seen, value)
  else if (typeof value !== 'number' || !isEpoch(value)) seen.epochs = false
}

function noteText({ texts }: Seen, text: string): void {
  texts.count += 1
  // 007 is a name, not a number; so is what a double could not hold.
  texts.numbers &&= /^-?(0|[1-9]\d{0,14})(\.\d{1,12})?$/.test(text)
  texts.booleans &&= /^(true|false)$/i.test(text)
  texts.json &&= /^\s*[[{]/.test(text)
}

function kindOf(value: unknown): Kind {
  if (isExactNumber(value)) return /[.eE]/.test(JSON.stringify(value)) ? 'number' : 'integer'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'string') return textKind(value)
  return isRecord(value) ? 'map' : 'list'
}

function textKind(text: string): Kind {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return 'date'
  const isTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(text) && instantOf(text) !== undefined
  return isTime ? 'timestamp' : 'text'
}

const [epochFrom, epochTo] = [946_684_800, 4_102_444_800]
const isEpoch = (value: number): boolean =>
  (value >= epochFrom && value < epochTo) || (value >= epochFrom * 1e3 && value < epochTo * 1e3)

/** Names of numbers that are never counted with. */
const nameLike = /(^|_)(id|ids|zip|postal|postcode|phone|code|sku|number|account|version)$/i
const timeLike = /(time|timestamp|date|created|updated|modified|_at|At|_on)$/

function described(
  name: string,
  seen: Seen,
  records: number,
  { declared, fixed }: KnownTypes,
): PreviewField {
  const types = [...seen.kinds]
    .sort((a, b) => b[1] - a[1])
    .map(([kind]) => kind)
    // 12 and 12.5 are one kind of number.
    .filter((kind) => !(kind === 'integer' && seen.kinds.has('number')))
  const { nulls, present } = seen
  const field = { name, types, nulls, absent: records - present, example: exampleOf(seen.example) }
  if (Object.hasOwn(declared, name)) return { ...field, note: `declared ${declared[name]}` }
  return fixed.includes(name) ? field : { ...field, ...adviceOn(name, types, seen) }
}

function exampleOf(value: unknown): string {
  const text = value === null ? '' : JSON.stringify(value)
  return text.length > exampleLength ? `${text.slice(0, exampleLength - 1)}…` : text
}

/** What the author should know or declare, for values that a database would otherwise take for something else. */
function adviceOn(
  name: string,
  kinds: Kind[],
  { texts, epochs }: Seen,
): Pick<PreviewField, 'note' | 'declare' | 'convert'> {
  if (kinds.length === 0) return { note: 'only null so far: its first value decides the type' }
  const as = (type: string): string => `${nameText(name)}: ${type}`
  const lanes = new Set(kinds.map(laneOf))
  if (lanes.size > 1)
    return {
      note: `${[...lanes].join(' and ')} mixed: without a type a database gets a column for each`,
      declare: as('text'),
    }
  const [kind] = kinds
  if (kinds.length === 1 && kind === 'timestamp')
    return { note: 'a time written as text', declare: as('timestamp') }
  if (kinds.length === 1 && kind === 'date')
    return { note: 'a date written as text', declare: as('date') }
  if (texts.count > 0 && kinds.every((one) => one === 'text')) {
    if (texts.booleans) return { note: 'a boolean written as text', declare: as('boolean') }
    if (texts.numbers && !nameLike.test(name))
      return { note: 'a number written as text', declare: as('number') }
    if (texts.json) return { note: 'JSON written as text', convert: conversion(name, 'json') }
  }
  if (kind === 'integer' && epochs && timeLike.test(name))
    return {
      note: 'a time as a number',
      convert: conversion(name, 'timestamp'),
      declare: as('timestamp'),
    }
  return {}
}

const isPlain = (name: string): boolean => /^[A-Za-z_]\w*$/.test(name)

/** YAML's own words would be taken for something else. */
const nameText = (name: string): string =>
  isPlain(name) && !/^(on|off|yes|no|y|n|true|false|null)$/i.test(name)
    ? name
    : JSON.stringify(name)

function conversion(name: string, as: string): string {
  // Names that are no plain path are reached by quotes.
  const value = isPlain(name) ? `record?.${name}` : `record[${JSON.stringify(name)}]`
  const path = isPlain(name) ? name : `'${JSON.stringify([name])}'`
  return `- {set: ${path}, to: '{{ ${value} }}', as: ${as}}`
}

function laneOf(kind: Kind): string {
  if (kind === 'integer' || kind === 'number') return 'number'
  if (kind === 'boolean') return 'boolean'
  return kind === 'list' || kind === 'map' ? 'json' : 'text'
}
