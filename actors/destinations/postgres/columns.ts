import type { ColumnType as DeclaredType } from '../../../schema/column-type.ts'
import { deletedColumn } from '../flagged.ts'
import { declaredTypes } from './declared.ts'
import { columnName, variantName } from './names.ts'
import {
  type ColumnType,
  extraColumn,
  idColumn,
  type Lane,
  type LaneType,
  lanesOf,
  rangeColumn,
  type SeenField,
  type SeenFields,
  syncedColumn,
} from './types.ts'

/**
 * Columns of one table. Rows must fit a page of 8 kB: 700 short texts do not, whatever is moved out of line; what comes
 * after these goes to `_derrick_extra`.
 */
export const mostColumns = 250

const ownColumnNames = new Set([rangeColumn, syncedColumn, idColumn, extraColumn, deletedColumn])

export interface TableColumn {
  name: string
  type: ColumnType
  /** made by Derrick; columns that others added are never written */
  isOurs: boolean
}

/** Which values of a lane go to a column: all, or those that are (or are not) whole numbers in bigint's bounds. */
export type Share = 'all' | 'whole' | 'not_whole'

export interface Part {
  field: string
  lane: Lane
  laneType: LaneType
  share: Share
}

/** What one column of the table is given; no parts: null. A column of several parts takes the one that has a value. */
export interface Assignment {
  column: string
  type: LaneType
  parts: Part[]
}

export interface ColumnPlan {
  create: { name: string; type: string }[]
  /** in place: lossless, but it rewrites the table */
  widen: { name: string; to: 'numeric' | 'text' }[]
  assignments: Assignment[]
  /** values for `_derrick_extra`, by field in name order */
  extra: Part[]
  /** key values that the key's column cannot take; rows that have one are rejects */
  unfit: Part[]
}

export interface PlanInput {
  seen: SeenFields
  table: readonly TableColumn[]
  /** fields of the key, which always have a column */
  keyFields: readonly string[]
  /** top-level field of the record's own time */
  cursorField?: string | null
  /** the type that somebody declared for a field */
  declared?: (field: string) => DeclaredType | null
  /** columns that may not change their type */
  fixed: ReadonlySet<string>
}

/**
 * Where everything that an attempt saw goes. Only bigint < numeric widens (a key also to text); any other mix is text, in the
 * column if it is text, else in `name__text`. So a record's value, read as `coalesce(name__text, name)`, does not depend
 * on which range came first.
 */
export function planColumns(input: PlanInput): ColumnPlan {
  const { seen, keyFields } = input
  const plan: ColumnPlan = { create: [], widen: [], assignments: [], extra: [], unfit: [] }
  const planner = new Planner(plan, input)
  const keys = new Set(keyFields)
  const fields = [...seen.fields.values()].sort((a, b) => (a.field < b.field ? -1 : 1))
  for (const field of fields) if (keys.has(field.field)) planner.placeKey(field)
  // The cursor decides which version of a record wins: it has a column, however many fields there are.
  const byName = fields.filter(({ field }) => !keys.has(field))
  for (const field of byName) if (field.field === input.cursorField) planner.place(field, true)
  for (const field of byName) if (field.field !== input.cursorField) planner.place(field)
  if (plan.extra.length > 0 || seen.extra) planner.needExtra()
  planner.emptyTheRest()
  return plan
}

class Planner {
  readonly #plan: ColumnPlan
  readonly #columns: Map<string, TableColumn>
  readonly #fixed: ReadonlySet<string>
  readonly #declared: NonNullable<PlanInput['declared']>

  constructor(plan: ColumnPlan, { table, fixed, declared }: PlanInput) {
    this.#declared = declared ?? (() => null)
    this.#plan = plan
    this.#columns = new Map(table.map((column) => [column.name, column]))
    this.#fixed = fixed
  }

  place(seen: SeenField, isForced = false): void {
    const name = columnName(seen.field)
    const parts = partsOf(seen)
    const declared = this.#declared(seen.field)
    const fresh = declared ? declaredTypes[declared] : newType(parts)
    const type = this.#columns.get(name)?.type ?? this.#create(name, fresh, isForced)
    if (type === null) return void this.#plan.extra.push(...parts)
    // What is declared an integer stays one: fractions go beside it.
    const lasting = declared === 'integer' ? type : this.#widened(name, type, seen)
    const { own, rest } = share(lasting, parts)
    if (type !== 'other') this.#assign(name, own)
    if (rest.length === 0) return
    const variant = variantName(seen.field)
    const known = this.#columns.get(variant)?.type ?? this.#create(variant, 'text', isForced)
    if (known === 'text') this.#assign(variant, rest)
    else this.#plan.extra.push(...rest)
  }

  placeKey(seen: SeenField): void {
    const name = columnName(seen.field)
    const parts = partsOf(seen)
    const type = this.#columns.get(name)?.type ?? this.#create(name, newType(parts), true)
    const widened = this.#widened(name, type as ColumnType, seen, true)
    const { own, rest } = share(widened, parts)
    this.#assign(name, own)
    this.#plan.unfit.push(...rest)
  }

  needExtra(): void {
    if (!this.#columns.has(extraColumn)) this.#create(extraColumn, 'jsonb', true)
  }

  /** A record that lacks a field has no value for it, whatever an older version had. */
  emptyTheRest(): void {
    const assigned = new Set(this.#plan.assignments.map(({ column }) => column))
    for (const { name, type, isOurs } of this.#columns.values()) {
      if (!isOurs || type === 'other' || assigned.has(name)) continue
      if (ownColumnNames.has(name)) continue
      this.#plan.assignments.push({ column: name, type, parts: [] })
    }
  }

  /** The type of a new column; null when the table has no room for it. */
  #create(name: string, type: LaneType, isForced: boolean): LaneType | null {
    if (this.#columns.size >= mostColumns && !isForced) return null
    this.#columns.set(name, { name, type, isOurs: true })
    this.#plan.create.push({ name, type })
    return type
  }

  #widened(name: string, type: ColumnType, seen: SeenField, isKey = false): ColumnType {
    if (this.#fixed.has(name) || (type !== 'bigint' && type !== 'numeric')) return type
    const to = isKey && seen.text ? 'text' : seen.number
    if (to === null || to === 'bigint' || to === type) return type
    const column = this.#columns.get(name)
    if (!column?.isOurs) return type
    this.#plan.widen.push({ name, to })
    this.#columns.set(name, { ...column, type: to })
    return to
  }

  #assign(column: string, parts: Part[]): void {
    const type = this.#columns.get(column)?.type as LaneType
    this.#plan.assignments.push({ column, type, parts })
  }
}

const partsOf = (seen: SeenField): Part[] =>
  lanesOf(seen).map(({ lane, type }) => ({
    field: seen.field,
    lane,
    laneType: type,
    share: 'all',
  }))

/** One kind of value has its own type, a mix is text. */
const newType = (parts: Part[]): LaneType =>
  parts.length === 1 ? (parts[0] as Part).laneType : 'text'

/** Splits a field's values in those that its column takes and those that it doesn't. */
function share(type: ColumnType, parts: Part[]): { own: Part[]; rest: Part[] } {
  if (type === 'text') return { own: parts, rest: [] }
  const own: Part[] = []
  const rest: Part[] = []
  for (const part of parts) {
    if (type === part.laneType || (type === 'numeric' && part.lane === 'number')) own.push(part)
    else if (type === 'bigint' && part.lane === 'number') {
      own.push({ ...part, share: 'whole' })
      rest.push({ ...part, share: 'not_whole' })
    } else rest.push(part)
  }
  return { own, rest }
}
