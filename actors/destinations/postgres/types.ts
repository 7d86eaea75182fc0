import type { PageMeta } from '../../../schema/protocol.ts'

/**
 * A field has one lane for each kind of JSON value that it was seen with, so no value is read as what it isn't. Lanes are
 * what pages carry; columns are what tables have; `columns.ts` says which lane goes where.
 */
export type Lane = 'number' | 'text' | 'boolean' | 'json' | 'time'
export type LaneType = 'bigint' | 'numeric' | 'text' | 'boolean' | 'jsonb' | 'timestamptz' | 'date'
/** Columns of tables; `other` is a type that Derrick does not make (somebody altered the column). */
export type ColumnType = LaneType | 'other'

/** First columns of every page and table, in this order; the third only where rows have no key. */
export const rangeColumn = '_derrick_range'
export const syncedColumn = '_derrick_synced_at'
export const idColumn = '_derrick_id'
export const extraColumn = '_derrick_extra'
/** Type that marks the lane of all fields past the bound, in a page's column list. */
export const extraType = 'extra'
/** The same for the lane that tells which rows the source marks as deleted, and when. */
export const deletedType = 'deleted'

/** Which kinds of values a field was seen with in one attempt. */
export interface SeenField {
  field: string
  number: 'bigint' | 'numeric' | null
  text: boolean
  boolean: boolean
  json: boolean
  /** texts that are read as times; kept as they came until the column is known */
  time: 'timestamptz' | 'date' | null
}

/** All that an attempt's pages hold: fields by name, whether some are in the lane of the rest, and rows are marked. */
export interface SeenFields {
  fields: Map<string, SeenField>
  extra: boolean
  deleted: boolean
}

export const noFields = (): SeenFields => ({ fields: new Map(), extra: false, deleted: false })

const noValues = (field: string): SeenField => ({
  field,
  number: null,
  text: false,
  boolean: false,
  json: false,
  time: null,
})

const lanes: Record<LaneType, Lane> = {
  bigint: 'number',
  numeric: 'number',
  text: 'text',
  boolean: 'boolean',
  jsonb: 'json',
  timestamptz: 'time',
  date: 'time',
}

export const laneOf = (type: string): Lane => lanes[type as LaneType]

/** How many of a page's columns are Derrick's own. */
export const ownColumns = (keyed: boolean): number => (keyed ? 2 : 3)

/** Adds what a page's column list says; a join, so pages may come in any order. */
export function addColumns(seen: SeenFields, columns: PageMeta['columns'], keyed: boolean): void {
  for (let i = ownColumns(keyed); i < columns.length; i += 1) {
    const { name, type } = columns[i] as { name: string; type: string }
    if (type === extraType) {
      seen.extra = true
      continue
    }
    if (type === deletedType) {
      seen.deleted = true
      continue
    }
    const known = seen.fields.get(name)
    const field = known ?? noValues(name)
    if (!known) seen.fields.set(name, field)
    const lane = laneOf(type)
    if (lane === 'time') field.time = type as 'timestamptz' | 'date'
    else if (lane !== 'number') field[lane] = true
    else if (field.number !== 'numeric') field.number = type as 'bigint' | 'numeric'
  }
}

/** The lanes of a field with the type that each has in a stage. */
export function lanesOf(seen: SeenField): { lane: Lane; type: LaneType }[] {
  const found: { lane: Lane; type: LaneType }[] = []
  if (seen.number) found.push({ lane: 'number', type: seen.number })
  if (seen.text) found.push({ lane: 'text', type: 'text' })
  if (seen.boolean) found.push({ lane: 'boolean', type: 'boolean' })
  if (seen.json) found.push({ lane: 'json', type: 'jsonb' })
  if (seen.time) found.push({ lane: 'time', type: seen.time })
  return found
}

/** All that several attempts saw. */
export function joinFields(all: readonly SeenFields[]): SeenFields {
  const joined = noFields()
  for (const { fields, extra, deleted } of all) {
    joined.extra ||= extra
    joined.deleted ||= deleted
    for (const seen of fields.values()) {
      const known = joined.fields.get(seen.field)
      if (!known) {
        joined.fields.set(seen.field, { ...seen })
        continue
      }
      if (known.number !== 'numeric') known.number = seen.number ?? known.number
      known.text ||= seen.text
      known.boolean ||= seen.boolean
      known.json ||= seen.json
      known.time ??= seen.time
    }
  }
  return joined
}
