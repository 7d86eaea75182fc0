import type pg from 'pg'
import type { Target } from '../../../schema/protocol.ts'
import { deletedColumn } from '../flagged.ts'
import { fieldPath } from '../path.ts'
import { type ColumnPlan, planColumns, type TableColumn } from './columns.ts'
import { declaredType } from './declared.ts'
import { isKeyed } from './identity.ts'
import type { TableNames } from './ledger.ts'
import { type ColumnType, rangeColumn, type SeenFields, syncedColumn } from './types.ts'

/** What is known of a stream's table; the server is asked again when it turns out to be out of date. */
export interface TableInfo {
  id: number
  /** changes with every column and type: what is planned for one shape is not written to another */
  shape: string
  columns: TableColumn[]
  primaryKey: string[]
  /** Derrick's own columns are there: the table was made by it */
  isOurs: boolean
  /** the ledger names this stream as its owner; known once this worker has seen to it */
  isStamped: boolean
  /** seen to by this worker */
  hasRangeIndex: boolean
  /** columns whose type cannot change: others depend on it, or the table is too large */
  fixed: Set<string>
}

export interface PreparedTable {
  info: TableInfo
  plan: ColumnPlan
  types: Map<string, ColumnType>
  /** columns made or widened just now */
  changed: { name: string; type: string }[]
}

const columnTypes: Record<string, ColumnType> = {
  bigint: 'bigint',
  numeric: 'numeric',
  text: 'text',
  'character varying': 'text',
  boolean: 'boolean',
  jsonb: 'jsonb',
  'timestamp with time zone': 'timestamptz',
  date: 'date',
}
/** How comments of Derrick's own columns begin: by it they are known again. */
export const mark = 'Derrick'

/** SQL for the shape of a table. */
export const shapeOf = (
  oid: string,
): string => `(select count(*) || '-' || sum(x.attnum * x.atttypid::bigint)
  from pg_attribute x where x.attrelid = ${oid} and x.attnum > 0 and not x.attisdropped)`

/** Reads a table's columns; null when there is none. */
export async function loadTable(client: pg.Client, names: TableNames): Promise<TableInfo | null> {
  const { rows } = await client.query(
    `select c.oid::bigint as id, ${shapeOf('c.oid')} as shape, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
       a.attgenerated <> '' as generated,
       coalesce(col_description(c.oid, a.attnum) like '${mark}%', false) as ours,
       array_position(i.indkey::int2[], a.attnum) as key_position
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_index i on i.indrelid = c.oid and i.indisprimary
     where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p') order by a.attnum`,
    [names.schema, names.table],
  )
  if (rows.length === 0) return null
  const all = rows as Record<string, string>[]
  const named = all.filter(({ name, generated }) => name !== null && !generated)
  const keys = all.filter(({ key_position: position }) => position !== null)
  return {
    id: Number(all[0]?.id),
    shape: String(all[0]?.shape),
    columns: named.map(({ name, type, ours }) => ({
      name: name as string,
      type: columnTypes[type as string] ?? 'other',
      isOurs: Boolean(ours),
    })),
    primaryKey: keys
      .sort((a, b) => Number(a.key_position) - Number(b.key_position))
      .map(({ name }) => name as string),
    isOurs: [rangeColumn, syncedColumn].every((own) => named.some(({ name }) => name === own)),
    isStamped: false,
    hasRangeIndex: false,
    fixed: new Set(),
  }
}

/** What a commit needs of its table. */
export interface TableNeeds {
  seen: SeenFields
  /** rows may be marked as deleted */
  isSoft: boolean
}

export function planFor(target: Target, needs: TableNeeds, info: TableInfo | null): ColumnPlan {
  const columns = info?.columns ?? []
  const plan = planColumns({
    seen: needs.seen,
    table: columns,
    keyFields: isKeyed(target) ? target.primaryKey : [],
    cursorField: cursorColumn(target),
    declared: (field) => declaredType(target, field),
    fixed: info?.fixed ?? new Set(),
  })
  if (needs.isSoft && !columns.some(({ name }) => name === deletedColumn)) {
    plan.create.push({ name: deletedColumn, type: 'timestamptz' })
  }
  return plan
}

/** A field of that name, or the one that a dotted path goes through. */
function cursorColumn({ cursorField }: Target): string | null {
  return cursorField === null ? null : (fieldPath(cursorField).parts[0] ?? null)
}

export const preparedTable = (info: TableInfo, plan: ColumnPlan): PreparedTable => ({
  info,
  plan,
  types: new Map(info.columns.map(({ name, type }) => [name, type])),
  changed: [...plan.create, ...plan.widen.map(({ name, to }) => ({ name, type: to }))],
})
