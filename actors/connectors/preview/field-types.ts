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

const mostFields = 300
const exampleLength = 60

/** The top-level fields of records in the order of their appearance, with what their values are. */
export function inferFields(records: readonly Row[]): PreviewField[] {
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
  return [...fields].map(([name, seen]) => described(name, seen, records.length))
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

function described(name: string, seen: Seen, records: number): PreviewField {
  const kinds = [...seen.kinds]
    .sort((a, b) => b[1] - a[1])
    .map(([kind]) => kind)
    // 12 and 12.5 are one kind of number.
    .filter((kind) => !(kind === 'integer' && seen.kinds.has('number')))
  const field: PreviewField = {
    name,
    types: kinds,
    nulls: seen.nulls,
    absent: records - seen.present,
    example: exampleOf(seen.example),
  }
  return { ...field, ...adviceOn(name, kinds, seen) }
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
): Pick<PreviewField, 'note' | 'declare'> {
  const as = (type: string): string => {
    // Names that are no plain path are reached by quotes.
    const isPlain = /^[A-Za-z_]\w*$/.test(name)
    const value = isPlain ? `record?.${name}` : `record[${JSON.stringify(name)}]`
    const path = isPlain ? name : `'${JSON.stringify([name])}'`
    return `- {set: ${path}, to: '{{ ${value} }}', as: ${type}}`
  }
  const lanes = new Set(kinds.map(laneOf))
  if (kinds.length === 0) return { note: 'only null so far: its first value decides the type' }
  if (lanes.size > 1)
    return {
      note: `${[...lanes].join(' and ')} mixed: a database gets a column for each`,
      declare: as(lanes.has('json') ? 'json' : 'string'),
    }
  if (texts.count > 0 && kinds.every((kind) => kind === 'text')) {
    if (texts.booleans) return { note: 'a boolean written as text', declare: as('boolean') }
    if (texts.numbers && !nameLike.test(name))
      return { note: 'numbers written as text', declare: as('number') }
    if (texts.json) return { note: 'JSON written as text', declare: as('json') }
  }
  if (kinds.every((kind) => kind === 'integer') && epochs && timeLike.test(name))
    return { note: 'a time as a number', declare: as('timestamp') }
  return {}
}

function laneOf(kind: Kind): string {
  if (kind === 'integer' || kind === 'number') return 'number'
  if (kind === 'boolean') return 'boolean'
  return kind === 'list' || kind === 'map' ? 'json' : 'text'
}
