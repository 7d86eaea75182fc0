import type pg from 'pg'
import { derrickError } from '../../../schema/error.ts'
import type { Receipt } from '../../../schema/protocol.ts'
import {
  type CommitInput,
  deletesNow,
  holdFence,
  isDirect,
  isMergeable,
  pagesOf,
  receiptFor,
  record,
  rowCount,
} from './commit.ts'
import { copyPages } from './copy.ts'
import { isKeyed } from './identity.ts'
import type { Committed } from './ledger.ts'
import { deleteSql, mergeSql } from './merge.ts'
import { columnName, literal } from './names.ts'
import { receiptOfPart } from './part.ts'
import type { StageColumns } from './stage.ts'
import { ownColumns } from './types.ts'

/** What an earlier try of this commit taught. */
export interface Tactics {
  /** keys may be in the table already: no COPY straight into it */
  noDirect: boolean
  /** two rows of the attempt have one key, which the encoder did not see */
  isDistinct: boolean
}

/** One transaction from the fence to the ledger: COPY into the table, or into a stage that ends with it and one merge. */
export async function commitStaged(
  client: pg.Client,
  input: CommitInput,
  { noDirect, isDistinct }: Tactics,
): Promise<Receipt> {
  const held = await holdFence(client, input)
  if ('done' in held) return held.done
  if (!noDirect && !held.committed && isDirect(input) && (await isUnknown(client, input))) {
    const own = ownColumns(isKeyed(input.context.target))
    const copied = await copyPages(client, input.names.full, pagesOf(input), (columns) =>
      columns.map(({ name }, i) => (i < own ? name : columnName(name))),
    )
    checkCount(input, copied)
    return record(client, input, receiptFor(input, copied))
  }
  await client.query(
    `create temp table _derrick_stage (${definitions(input.stage)}) on commit drop`,
  )
  const stage = 'pg_temp._derrick_stage'
  const copied = await copyPages(client, stage, pagesOf(input), (columns) =>
    input.stage.namesFor(columns),
  )
  checkCount(input, copied)
  return mergeStage(client, input, stage, held.committed, isDistinct)
}

/**
 * Whether the table can be taken to have none of the range's keys: keys of records that never move are in no other range.
 * Should it be wrong, the server refuses the COPY and the merge does it.
 */
async function isUnknown(client: pg.Client, { context, names }: CommitInput): Promise<boolean> {
  const { target } = context
  if (!isKeyed(target) || target.tracks === 'creation') return true
  const { rows } = await client.query(`select exists (select from ${names.full}) as filled`)
  return !(rows[0] as { filled: boolean }).filled
}

export const definitions = (stage: StageColumns): string =>
  stage
    .definitions()
    .map(({ name, type }) => `${name} ${type}`)
    .join(', ')

export function checkCount(input: CommitInput, rows: number): void {
  if (rows === rowCount(input)) return
  const message = `the server holds ${rows} rows of the ${rowCount(input)} that were sent`
  throw derrickError('network', 'postgres.count', message, {
    remedy: 'nothing to do: they are sent again; if it persists, check the server for crashes',
  })
}

/** Rows from the stage to the table, absent ones away, then the ledger's row. */
export async function mergeStage(
  client: pg.Client,
  input: CommitInput,
  stage: string,
  committed: Committed | null,
  isDistinct: boolean,
): Promise<Receipt> {
  const kind = deletesNow(input, committed)
  const sql = mergeSql(input.shape)
  const from = `(select *, ctid as n from ${stage})`
  await rejectUnfit(client, input, stage)
  let changed = 0
  if (isMergeable(input)) {
    await lookUpByKey(client, input)
    const live = sql.removes ? sql.incoming(from, true, 'live') : sql.incoming(from, isDistinct)
    changed += (await client.query(sql.merge(live))).rowCount ?? 0
    if (sql.removes) {
      const removed = await client.query(sql.remove(sql.incoming(from, true, 'gone')))
      changed += removed.rowCount ?? 0
    }
    await client.query(usualJoins)
    if (kind) {
      const gone = deleteSql(input.shape, sql.incoming(from, false), kind, input.key.start)
      changed += (await client.query(gone)).rowCount ?? 0
    }
  }
  const receipt = receiptFor(input, changed)
  const isPart = input.report.isPart && committed !== null
  return record(
    client,
    input,
    isPart ? await receiptOfPart(client, input, receipt, committed) : receipt,
  )
}

/** A table that is this many times as large as what is merged into it is looked up by key, row by row. */
const wholeTableFactor = 2
const usualJoins = 'set local enable_hashjoin to default; set local enable_mergejoin to default'

/**
 * Keeps the merge from reading the whole table. With the usual settings the server takes a look-up by key for so dear, and a
 * stage without statistics for so large, that a day merged into a table of some hundred thousand rows hashes all of them. By
 * the same estimates it would compile the statement first, which takes longer than running it. From here on the statement may
 * take what it takes.
 */
async function lookUpByKey(client: pg.Client, { names, context }: CommitInput): Promise<void> {
  await client.query(
    `select set_config('enable_hashjoin', mode, true), set_config('enable_mergejoin', mode, true), set_config('jit', 'off', true),
       set_config('statement_timeout', '0', true)
     from (select case when pg_relation_size(to_regclass(${literal(names.full)})) > $1::bigint then 'off' else 'on' end) as m (mode)`,
    [context.spool.bytes * wholeTableFactor],
  )
}

/** Takes rows out of the stage whose key its column cannot hold, and could not be made to. */
async function rejectUnfit(client: pg.Client, input: CommitInput, stage: string): Promise<void> {
  input.rejects.length = 0
  const unfit = input.table.plan.unfit.flatMap(
    ({ field, lane }) => input.stage.find(field, lane)?.name ?? [],
  )
  if (unfit.length === 0) return
  const values = unfit.map((name) => `${name}::text`).join(', ')
  const { rows } = await client.query(
    `delete from ${stage} where coalesce(${values}) is not null
     returning coalesce(${values}) as key, left(to_jsonb(${stage.split('.').at(-1)})::text, 1000) as sample`,
  )
  for (const { key, sample } of rows as { key: string; sample: string }[]) {
    const reason = 'its key is of another type than the keys that are in the table'
    input.rejects.push({ reason, where: key.slice(0, 200), sample })
  }
}
