import type { Target } from '../../../schema/protocol.ts'
import { sabotage } from '../../../schema/sabotage.ts'
import { deletedColumn, flagPolicy } from '../flagged.ts'
import type { Assignment, ColumnPlan, Part } from './columns.ts'
import { cursorRank } from './cursor-rank.ts'
import type { TableNames } from './ledger.ts'
import { literal, quoted, storable } from './names.ts'
import type { StageColumn, StageColumns } from './stage.ts'
import { type ColumnType, extraColumn, idColumn, rangeColumn, syncedColumn } from './types.ts'

/** What a commit's SQL is made from. */
export interface MergeShape {
  names: TableNames
  target: Target
  /** columns that tell rows apart */
  identity: string[]
  plan: ColumnPlan
  stage: StageColumns
  /** columns of the table after the plan was carried out */
  columns: ReadonlyMap<string, ColumnType>
  isFull: boolean
}

export interface MergeSql {
  /** rows of the attempt with the table's columns; `from` is the stage, or rows in the statement itself */
  incoming: (from: string, isDistinct: boolean, which?: 'all' | 'live' | 'gone') => string
  /** removes rows with the keys of records that are gone, unless a newer version is there */
  remove: (gone: string) => string
  /** whether records that the source marks as deleted leave no row: then `live` is merged and `gone` removed */
  removes: boolean
  /** inserts and updates what differs */
  merge: (incoming: string) => string
}

interface TargetColumn {
  column: string
  sql: string
}

/** Builds the merge: pure, names quoted, no value in it. */
export function mergeSql(shape: MergeShape): MergeSql {
  const targets = targetColumns(shape)
  const names = targets.map(({ column }) => quoted(column))
  const identity = shape.identity.map(quoted)
  const own = new Set([rangeColumn, syncedColumn, ...shape.identity])
  const data = targets.filter(({ column }) => !own.has(column)).map(({ column }) => quoted(column))
  const range = quoted(rangeColumn)
  const synced = quoted(syncedColumn)
  const differs = (a: string, b: string): string =>
    data.length === 0
      ? 'false'
      : `row(${compared(data, a)}) is distinct from row(${compared(data, b)})`
  const wins = (a: string, b: string): string =>
    `(${a}.${range} is distinct from ${b}.${range} or ${differs(a, b)}) and ${guard(shape, a, b)}`
  const unfit = shape.plan.unfit.map((part) => `${stageColumn(shape, part)} is null`)
  const sets = [
    ...data.map((name) => `${name} = ${excludedValue(name)}`),
    `${range} = excluded.${range}`,
    `${synced} = case when ${differs('t', 'excluded')} then excluded.${synced} else t.${synced} end`,
  ]
  return {
    incoming: (from, isDistinct, which = 'all') => {
      const fit = where(unfit)
      const keys = keyList(shape, targets)
      const rows = isDistinct
        ? `(select distinct on (${keys}) s.* from ${from} s${fit} order by ${keys}, s.n desc)`
        : from
      const wanted = which === 'all' ? [] : [`s.d is ${which === 'live' ? '' : 'not '}null`]
      const columns = targets.map(({ column, sql }) => `${sql} as ${quoted(column)}`).join(', ')
      return `select ${columns} from ${rows} s${isDistinct ? where(wanted) : where([...unfit, ...wanted])}`
    },
    removes: shape.stage.hasDeleted && flagPolicy(shape.target) === 'remove',
    remove: (gone) => `delete from ${shape.names.full} t using (${gone}) i
where ${identity.map((name) => `t.${name} = i.${name}`).join(' and ')} and ${guard(shape, 'i', 't')}`,
    merge: (incoming) => `insert into ${shape.names.full} as t (${names.join(', ')})
select ${list(names, 'i')} from (${incoming}) i
left join ${shape.names.full} o on ${identity.map((name) => `o.${name} = i.${name}`).join(' and ')}
where o.${identity[0]} is null or (${wins('i', 'o')})
order by ${list(identity, 'i')}
on conflict (${identity.join(', ')}) do update set ${sets.join(', ')}
where ${wins('excluded', 't')}`,
  }
}

/** Removes (or marks) rows that the range no longer has; a full read is compared with the whole table. */
export function deleteSql(
  shape: MergeShape,
  incoming: string,
  kind: 'hard' | 'soft',
  rangeStart: string,
): string {
  const identity = shape.identity.map(quoted)
  const inRange = shape.isFull
    ? ''
    : `t.${quoted(rangeColumn)} = ${literal(rangeStart)}::timestamptz and `
  const isAbsent = `not exists (select 1 from (${incoming}) i
    where ${identity.map((name) => `i.${name} = t.${name}`).join(' and ')})`
  const deleted = quoted(deletedColumn)
  return kind === 'hard'
    ? `delete from ${shape.names.full} t where ${inRange}${isAbsent}`
    : `update ${shape.names.full} t set ${deleted} = now(), ${quoted(syncedColumn)} = now()
       where ${inRange}t.${deleted} is null and ${isAbsent}`
}

const where = (conditions: string[]): string =>
  conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''

const list = (names: string[], alias: string): string =>
  names.map((name) => `${alias}.${name}`).join(', ')

const marked = quoted(deletedColumn)
/** What two versions are compared by: whether they are marked counts, not since when. */
const compared = (names: string[], alias: string): string =>
  names
    .map((name) => (name === marked ? `(${alias}.${name} is null)` : `${alias}.${name}`))
    .join(', ')

const excludedValue = (name: string): string =>
  name === marked
    ? `case when excluded.${name} is not null then coalesce(t.${name}, excluded.${name}) end`
    : `excluded.${name}`

function keyList(shape: MergeShape, targets: TargetColumn[]): string {
  return targets
    .filter(({ column }) => shape.identity.includes(column))
    .map(({ sql }) => sql)
    .join(', ')
}

function targetColumns(shape: MergeShape): TargetColumn[] {
  const { plan, columns, identity } = shape
  const targets = [
    { column: rangeColumn, sql: 's.r' },
    { column: syncedColumn, sql: 's.a' },
  ]
  if (identity[0] === idColumn) targets.push({ column: idColumn, sql: 's.i' })
  for (const assignment of plan.assignments) {
    targets.push({ column: assignment.column, sql: valueSql(shape, assignment) })
  }
  if (columns.has(extraColumn)) targets.push({ column: extraColumn, sql: extraSql(shape) })
  if (columns.has(deletedColumn)) {
    const sql = shape.stage.hasDeleted ? 's.d' : 'null::timestamptz'
    targets.push({ column: deletedColumn, sql })
  }
  return targets
}

function stageColumn({ stage }: MergeShape, { field, lane }: Part): string {
  return `s.${(stage.find(field, lane) as StageColumn).name}`
}

function valueSql(shape: MergeShape, { type, parts }: Assignment): string {
  if (parts.length === 0) return `null::${type}`
  const values = parts.map((part) => castSql(stageColumn(shape, part), part, type))
  return values.length === 1 ? (values[0] as string) : `coalesce(${values.join(', ')})`
}

const isWhole = (column: string): string =>
  `${column} = trunc(${column}) and ${column} between -9223372036854775808 and 9223372036854775807`

function castSql(column: string, { lane, laneType, share }: Part, type: string): string {
  const cast = laneType === type && lane !== 'time' ? column : `${column}::${type}`
  // A lane of whole numbers only has nothing for the other share.
  if (share === 'all' || laneType !== 'numeric')
    return share === 'not_whole' ? `null::${type}` : cast
  return `case when ${share === 'whole' ? '' : 'not '}(${isWhole(column)}) then ${cast} end`
}

function extraSql(shape: MergeShape): string {
  const objects = shape.plan.extra.map((part) => {
    const column = stageColumn(shape, part)
    const value = part.share === 'all' ? column : castSql(column, part, part.laneType)
    return `case when ${value} is null then '{}' else jsonb_build_object(${literal(storable(part.field))}, ${value}) end`
  })
  if (shape.stage.hasExtra) objects.push(`coalesce(s.x, '{}')`)
  if (objects.length === 0) return 'null::jsonb'
  return `nullif(${objects.join(' || ')}, '{}'::jsonb)`
}

/** Whether the row `a` of this attempt may replace `b`. */
function guard(shape: MergeShape, a: string, b: string): string {
  if (sabotage === 'no_guard') return 'true'
  const { target, names, identity, columns, isFull } = shape
  // Ids hold the range: no other range has them.
  if (identity[0] === idColumn) return 'true'
  const range = quoted(rangeColumn)
  const isSame = `${a}.${range} is not distinct from ${b}.${range}`
  const isLater = `${a}.${quoted(syncedColumn)} >= coalesce((select max(l.fetched_from) from ${names.ledger} l
    where l.stream_key = ${literal(storable(target.streamKey))} and l.table_name = ${literal(names.table)} and l.range_start = coalesce(${b}.${range}, '-infinity'::timestamptz)), '-infinity'::timestamptz)`
  if (isFull) return `(case when ${isSame} then true else ${isLater} end)`
  if (target.cursorField === null) {
    return `(${isSame} or ${a}.${range} > coalesce(${b}.${range}, '-infinity'::timestamptz))`
  }
  const [mine, theirs] = [a, b].map((alias) =>
    cursorRank(alias, target.cursorField as string, columns),
  )
  if (!mine || !theirs) return `(case when ${isSame} then true else ${isLater} end)`
  return `(case when ${isSame} then true else (select case
    when coalesce(c.a, -1e40) <> coalesce(c.b, -1e40) then coalesce(c.a, -1e40) > coalesce(c.b, -1e40)
    when c.a is null and c.ta <> c.tb then c.ta collate "C" > c.tb collate "C"
    when (c.ta is null) <> (c.tb is null) then c.tb is null
    else ${isLater} end
    from (select ${mine.rank} as a, ${theirs.rank} as b, ${mine.text} as ta, ${theirs.text} as tb) c) end)`
}
