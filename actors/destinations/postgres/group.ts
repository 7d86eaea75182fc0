import type pg from 'pg'
import type { Receipt } from '../../../schema/protocol.ts'
import { type CommitInput, isMergeable, receiptFor, StaleTable } from './commit.ts'
import { fencedOff } from './errors.ts'
import { holdsClaim, ledgerIs, statesAfter } from './ledger.ts'
import { mergeSql } from './merge.ts'
import { literal, quoted } from './names.ts'
import { appendRows, emptyValues, givenRows, type Values } from './small.ts'
import { shapeOf } from './table-info.ts'
import { rangeColumn } from './types.ts'

/** How a range of a group ended; null: nothing was written of it, it has to be committed on its own. */
export type GroupOutcome = Receipt | Error | null

/**
 * Ranges of one stream as one statement, which is one transaction: each with its own look at its fence and its own row in
 * the ledger, so one that was overtaken is left out and the others land. Only for ranges that delete nothing. Their inputs
 * share table, stage and shape. Two ranges with one key are not for one statement: the later one is null.
 * @throws what the server throws: then nothing of any of them was written
 */
export async function commitGroup(
  client: pg.Client,
  inputs: readonly CommitInput[],
): Promise<GroupOutcome[]> {
  const { values, places, taken } = await collect(inputs)
  const receipts = taken.map((input) => receiptFor(input, 0))
  const states = taken.map(({ context, report }) => statesAfter(context.range, report.fetchedFrom))
  const [first] = taken as [CommitInput]
  const { rows } = await client.query(statement(first), [
    first.key.streamKey,
    first.table.info.id,
    taken.map(({ key }) => key.start),
    taken.map(({ key }) => key.end),
    taken.map(({ fence }) => fence),
    receipts.map(({ fetchedFrom }) => new Date(fetchedFrom).toISOString()),
    receipts.map(({ committedAt }) => new Date(committedAt).toISOString()),
    receipts.map(({ records }) => records),
    receipts.map(({ bytes }) => bytes),
    receipts.map(({ checksum }) => checksum),
    states.map(({ changed }) => changed),
    states.map(({ same }) => same),
    places,
    ...values,
  ])
  const found = new Map((rows as GroupRow[]).map((row) => [Number(row.place), row]))
  if ([...found.values()].some(({ live }) => !live)) {
    throw new StaleTable('another table has this name now, or it has other columns')
  }
  const outcomes = new Map<CommitInput, GroupOutcome>()
  for (const [i, input] of taken.entries()) {
    const row = found.get(i + 1)
    if (!row) outcomes.set(input, fencedOff())
    // Committed by an earlier try whose answer was lost: that is for the one who asks the ledger.
    else if (row.changed === null) outcomes.set(input, null)
    else outcomes.set(input, { ...(receipts[i] as Receipt), rowsChanged: Number(row.changed) })
  }
  return inputs.map((input) => outcomes.get(input) ?? null)
}

interface GroupRow {
  place: string
  live: boolean
  changed: string | null
}

interface Collected {
  values: Values
  /** which of `taken`, counted from 1, each row belongs to */
  places: number[]
  taken: CommitInput[]
}

/** Rows of all ranges in lists by column; a range with a key that another one has, or with that one's start, stays out. */
async function collect(inputs: readonly CommitInput[]): Promise<Collected> {
  const [{ stage, shape }] = inputs as [CommitInput]
  const names = stage.definitions().map(({ name }) => name)
  const keyColumns = stage.keyColumns(shape.target.primaryKey).map((name) => names.indexOf(name))
  const all = new Set<string>()
  const starts = new Set<string>()
  const found: Collected = { values: emptyValues(names), places: [], taken: [] }
  for (const input of inputs) {
    if (starts.has(input.key.start)) continue
    const own = emptyValues(names)
    const count = await appendRows(input, own)
    const keys = Array.from({ length: count }, (_, row) => keyColumns.map((at) => own[at]?.[row]))
    const texts = stage.keyed ? keys.map((key) => JSON.stringify(key)) : []
    if (texts.some((text) => all.has(text))) continue
    for (const text of texts) all.add(text)
    starts.add(input.key.start)
    found.taken.push(input)
    for (const [at, list] of own.entries()) found.values[at]?.push(...list)
    for (let row = 0; row < count; row += 1) found.places.push(found.taken.length)
  }
  return found
}

/** parameters in front of the rows */
const groupValues = 13

function statement(input: CommitInput): string {
  const { shape, names, stage } = input
  const { info } = input.table
  const sql = mergeSql(shape)
  const range = quoted(rangeColumn)
  const nothing = 'select null::timestamptz as range where false'
  const isData = isMergeable(input)
  const live = sql.incoming('s', sql.removes, sql.removes ? 'live' : 'all')
  const merged = isData ? `${sql.merge(live)} returning t.${range} as range` : nothing
  const gone = sql.remove(sql.incoming('s', true, 'gone'))
  const removed = isData && sql.removes ? `${gone} returning i.${range} as range` : nothing
  const { columns, given, typed } = givenRows(stage, groupValues)
  return `with given as (
  select * from unnest($3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
    $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[]) with ordinality
    as g (range_start, range_end, fence, fetched_from, committed_at, rows, bytes, checksum, if_changed, if_same, place)
), fence as (
  select g.*, l.committed from given g join ${names.ledger} l on ${ledgerIs(names, 'l', 'g')} and ${holdsClaim('g.fence', 'l.')}
  order by g.range_start, g.range_end for update of l
), live as (
  select f.*, f.committed is distinct from f.fence as is_new from fence f
  where to_regclass(${literal(names.full)})::oid::bigint = $2::bigint and ${shapeOf(`${info.id}::oid`)} = ${literal(info.shape)}
), s as (
  select ${typed}, u.n from unnest($13::bigint[], ${given}) with ordinality as u (place, ${columns}, n)
  join live on live.place = u.place and live.is_new
), merged as (${merged}), removed as (${removed}), changed as (
  select range, count(*) as changed from (select * from merged union all select * from removed) as c group by range
), done as (
  update ${names.ledger} l set state = case when coalesce(c.changed, 0) > 0 then g.if_changed else g.if_same end, committed = g.fence,
    fetched_from = g.fetched_from, committed_at = g.committed_at, rows = g.rows, bytes = g.bytes,
    checksum = g.checksum, table_id = $2::bigint, rows_changed = coalesce(c.changed, 0), shrunk_to = null
  from live g left join changed c on c.range = g.range_start
  where g.is_new and ${ledgerIs(names, 'l', 'g')} and ${holdsClaim('g.fence', 'l.')}
  returning g.place, l.rows_changed
) select f.place, l.place is not null as live, d.rows_changed as changed
from fence f left join live l using (place) left join done d using (place)`
}
