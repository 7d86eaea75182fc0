import type pg from 'pg'
import type { Receipt } from '../../../schema/protocol.ts'
import type { RangeContext } from '../writer.ts'
import {
  type CommitInput,
  deletesNow,
  isMergeable,
  pagesOf,
  receiptFor,
  StaleTable,
} from './commit.ts'
import { readCopyLine } from './copy-text.ts'
import { fencedOff } from './errors.ts'
import { type Committed, commitValues, holdsClaim, ledgerWhere, recordCommit } from './ledger.ts'
import { deleteSql, mergeSql } from './merge.ts'
import { literal } from './names.ts'
import { shapeOf } from './table-info.ts'

/** Ranges to this many rows need no stage: their rows are parameters of one statement. */
const mostSmallRows = 500
/** and no more bytes than this: they are all in memory at once */
const mostSmallBytes = 4 * 1024 * 1024
/** parameters that the ledger takes */
const ledgerValues = 12

export const isSmall = (input: CommitInput): boolean =>
  !input.report.isPart && isSmallSpool(input.context.spool) && input.table.plan.unfit.length === 0

export const isSmallSpool = ({ records, superseded, bytes }: RangeContext['spool']): boolean =>
  records - superseded.size <= mostSmallRows && bytes <= mostSmallBytes

/**
 * The whole commit as one statement: fence, merge, deletes and the ledger's row. Null when this attempt has committed
 * already, which only happens when an answer was lost.
 */
export async function commitSmall(
  client: pg.Client,
  input: CommitInput,
  committed: Committed | null,
  isDistinct: boolean,
): Promise<Receipt | null> {
  const kind = deletesNow(input, committed)
  const receipt = receiptFor(input, 0)
  const values = emptyValues(input.stage.definitions().map(({ name }) => name))
  await appendRows(input, values)
  const { rows } = await client.query(statement(input, kind, isDistinct), [
    ...commitValues(input, receipt, input.table.info.id),
    ...values,
  ])
  const { held, table_id: tableId, committed: before, changed } = rows[0] as Record<string, string>
  if (held === '0') throw fencedOff()
  if (before !== null && Number(before) === input.fence) return null
  if (Number(tableId) !== input.table.info.id || changed === null) {
    throw new StaleTable('another table has this name now, or it has other columns')
  }
  return { ...receipt, rowsChanged: Number(changed) }
}

const changedRows =
  '(select count(*) from merged) + (select count(*) from removed) + (select count(*) from gone)'

function statement(input: CommitInput, kind: 'hard' | 'soft' | null, isDistinct: boolean): string {
  const { shape, names, stage } = input
  const { info } = input.table
  const sql = mergeSql(shape)
  const { columns, given, typed } = givenRows(stage, ledgerValues)
  const incoming = sql.incoming('s', isDistinct)
  const isData = isMergeable(input)
  const live = sql.removes ? sql.incoming('s', true, 'live') : incoming
  const merged = isData ? `${sql.merge(live)} returning 1` : 'select 1 where false'
  const removed =
    isData && sql.removes
      ? `${sql.remove(sql.incoming('s', true, 'gone'))} returning 1`
      : 'select 1 where false'
  const gone =
    isData && kind
      ? `${deleteSql(shape, incoming, kind, input.key.start)} and exists (select from live) returning 1`
      : 'select 1 where false'
  return `with fence as (
  select to_regclass(${literal(names.full)})::oid::bigint as table_id, committed,
    ${shapeOf(`${info.id}::oid`)} as shape
  from ${names.ledger} where ${ledgerWhere(names)} and ${holdsClaim('$4')} for update
), live as (
  select from fence where table_id = $10::bigint and committed is distinct from $4::bigint
    and shape = ${literal(info.shape)}
), s as (
  select ${typed}, u.n from unnest(${given}) with ordinality as u (${columns}, n), live
), merged as (${merged}), removed as (${removed}), gone as (${gone}), done as (
  ${recordCommit(names, changedRows)}
  and exists (select from live) returning rows_changed
) select (select count(*) from fence) as held, (select table_id from fence) as table_id,
  (select committed from fence) as committed, (select rows_changed from done) as changed`
}

/** Texts of rows in lists by column of the stage. */
export type Values = (string | null)[][]

export const emptyValues = (names: readonly string[]): Values => names.map(() => [])

/** The parts of SQL that make rows of lists, one a column of the stage, which come after `before` other parameters. */
export function givenRows(stage: CommitInput['stage'], before: number) {
  const definitions = stage.definitions()
  return {
    columns: definitions.map(({ name }) => name).join(', '),
    given: definitions.map((_, i) => `$${before + 1 + i}::text[]`).join(', '),
    typed: definitions.map(({ name, type }) => `u.${name}::${type} as ${name}`).join(', '),
  }
}

/** Adds the rows of a range, superseded ones left out; returns how many. */
export async function appendRows(input: CommitInput, values: Values): Promise<number> {
  const { stage } = input
  const names = stage.definitions().map(({ name }) => name)
  const places = new Map(names.map((name, i) => [name, i]))
  let count = 0
  for await (const page of pagesOf(input)) {
    const targets = stage.namesFor(page.columns).map((name) => places.get(name) as number)
    const text = Buffer.from(page.bytes.buffer, page.bytes.byteOffset, page.bytes.byteLength)
    for (const line of text.toString('utf8').split('\n')) {
      if (line === '') continue
      const cells = readCopyLine(line)
      for (const [i, target] of targets.entries()) {
        ;(values[target] as (string | null)[])[count] = cells[i] ?? null
      }
      count += 1
    }
    for (const list of values) while (list.length < count) list.push(null)
  }
  return count
}
