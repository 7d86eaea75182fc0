import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { derrickError } from '../../../schema/error.ts'
import type { Target } from '../../../schema/protocol.ts'
import type { ColumnPlan } from './columns.ts'
import { sqlState } from './errors.ts'
import { identityColumns } from './identity.ts'
import { createLedger, type LedgerKey, ledgerWhere, type TableNames } from './ledger.ts'
import { columnName, literal, quoted, storable } from './names.ts'
import type { Sessions } from './sessions.ts'
import {
  loadTable,
  mark,
  type PreparedTable,
  planFor,
  preparedTable,
  type TableInfo,
  type TableNeeds,
} from './table-info.ts'
import { idColumn, rangeColumn, type SeenFields, syncedColumn } from './types.ts'

/** Tables to this size may have a column's type changed in place: it takes less than a second. */
const mostRowsToRewrite = 100_000
/**
 * A DDL statement waits two seconds for its lock, so that it never blocks readers longer; then it tries again. A process that
 * stands still between two of them holds up everybody who wants the table, so the server ends it soon.
 */
const ddlSettings = [
  `set local lock_timeout = '2s'`,
  `set local statement_timeout = '5min'`,
  `set local idle_in_transaction_session_timeout = '10s'`,
].join('; ')
const ddlTries = 15
const ddlPauseMs = 300

/** Whose table it is, and the range that wants it. */
export interface StreamNames {
  names: TableNames
  target: Target
  key: LedgerKey
}

/**
 * Makes schema, table and columns fit what an attempt saw, in a transaction of its own: a merge never waits for a lock on a
 * table's shape. Throws `postgres.table_taken` and its like when the table is somebody else's.
 */
export async function prepareTable(
  sessions: Sessions,
  stream: StreamNames,
  needs: TableNeeds,
  fixed: ReadonlySet<string>,
  signal: AbortSignal | null,
): Promise<PreparedTable> {
  const keep = new Set(fixed)
  for (let tries = 1; ; tries += 1) {
    try {
      return await sessions.transaction(
        signal,
        (client) => shapeTable(client, stream, needs, keep),
        ddlSettings,
      )
    } catch (error) {
      const state = sqlState((error as { cause?: unknown }).cause)
      // "cannot alter type of a column used by a view": the values that don't fit go beside it instead.
      if (error instanceof CannotWiden) for (const name of error.columns) keep.add(name)
      else if (
        tries >= ddlTries ||
        !/^(55P03|40P01|40001|23505|42P07|42701|42P06)$/.test(state ?? '')
      )
        throw error
      await delay(ddlPauseMs * Math.random(), undefined, signal ? { signal } : {})
    }
  }
}

class CannotWiden extends Error {
  readonly columns: string[]
  constructor(columns: string[]) {
    super('columns that others depend on cannot change their type')
    this.columns = columns
  }
}

/** Makes the schema and its ledger. */
export async function prepareLedger(
  sessions: Sessions,
  names: TableNames,
  signal: AbortSignal | null,
): Promise<void> {
  await sessions.transaction(
    signal,
    async (client) => {
      await lockName(client, names.ledger)
      await makeSchema(client, names)
      await client.query(createLedger(names.ledger))
    },
    ddlSettings,
  )
}

/** Only asks for the right to create when something is missing. */
async function makeSchema(client: pg.Client, { schema }: TableNames): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
  if (rowCount === 0) await client.query(`create schema if not exists ${quoted(schema)}`)
}

/** One at a time works on a name, in all processes. */
async function lockName(client: pg.Client, name: string): Promise<void> {
  const key = BigInt.asIntN(
    64,
    BigInt(`0x${hash('sha256', `derrick ${name}`, 'hex').slice(0, 16)}`),
  )
  await client.query('select pg_advisory_xact_lock($1::bigint)', [String(key)])
}

async function shapeTable(
  client: pg.Client,
  { names, target, key }: StreamNames,
  needs: TableNeeds,
  fixed: Set<string>,
): Promise<PreparedTable> {
  await lockName(client, names.full)
  let info = await loadTable(client, names)
  if (info) await refuseForeign(client, names, target, info)
  if (info && (await isLarge(client, names, info, fixed))) {
    for (const { name } of info.columns) fixed.add(name)
  }
  const plan = planFor(target, needs, info && { ...info, fixed })
  const isNew = info === null
  if (info) await alterTable(client, names, needs.seen, plan)
  else await createTable(client, names, target, needs.seen, plan)
  info = await loadTable(client, names)
  if (!info)
    throw derrickError('network', 'postgres.table_gone', `${names.full} was dropped just now`)
  await fitPrimaryKey(client, names, target, info)
  await stampTable(client, names, key, info.id)
  const prepared = preparedTable({ ...info, fixed, isStamped: true }, plan)
  // Making a table changes none.
  return isNew ? { ...prepared, changed: [] } : prepared
}

async function refuseForeign(
  client: pg.Client,
  names: TableNames,
  target: Target,
  info: TableInfo,
): Promise<void> {
  const remedy = 'rename that table, or give this connection another namespace or stream_prefix'
  if (!info.isOurs) {
    throw derrickError(
      'destination',
      'postgres.table_foreign',
      `${names.full} is there already and was not made by Derrick`,
      { remedy },
    )
  }
  const { rows } = await client.query(
    `select stream_key from ${names.ledger} where table_id = $1 and stream_key <> $2 limit 1`,
    [info.id, target.streamKey],
  )
  if (rows.length === 0) return
  throw derrickError(
    'destination',
    'postgres.table_taken',
    `${names.full} belongs to the stream ${(rows[0] as { stream_key: string }).stream_key}`,
    { remedy: `${remedy}, or clear that stream` },
  )
}

/** Whether rewriting the table would take long; asked only when a column might widen. */
async function isLarge(
  client: pg.Client,
  names: TableNames,
  info: TableInfo,
  fixed: ReadonlySet<string>,
): Promise<boolean> {
  if (info.columns.every(({ name, type }) => fixed.has(name) || !/^(bigint|numeric)$/.test(type))) {
    return false
  }
  const { rows } = await client.query(
    `select count(*) as count from (select from ${names.full} limit ${mostRowsToRewrite + 1}) t`,
  )
  return Number((rows[0] as { count: string }).count) > mostRowsToRewrite
}

const comment = (names: TableNames, column: string, text: string): string =>
  `comment on column ${names.full}.${quoted(column)} is ${literal(`${mark}: ${text}`)}`

/** The mark by which Derrick knows its columns again, and where a column's values come from. */
function comments(names: TableNames, seen: SeenFields, created: { name: string }[]): string[] {
  const fields = new Map([...seen.fields.keys()].map((field) => [columnName(field), field]))
  return created.map(({ name }) =>
    comment(
      names,
      name,
      fields.has(name) ? storable(`field ${fields.get(name)}`) : 'values of other types',
    ),
  )
}

async function createTable(
  client: pg.Client,
  names: TableNames,
  target: Target,
  seen: SeenFields,
  plan: ColumnPlan,
): Promise<void> {
  await makeSchema(client, names)
  const identity = identityColumns(target)
  const made = new Set(plan.create.map(({ name }) => name))
  // The first range may be empty: its table has the key's columns when their type is known.
  const hasKey = identity[0] === idColumn || identity.every((name) => made.has(name))
  const columns = [
    `${quoted(rangeColumn)} timestamptz`,
    `${quoted(syncedColumn)} timestamptz not null`,
    ...(identity[0] === idColumn ? [`${quoted(idColumn)} text not null`] : []),
    ...plan.create.map(({ name, type }) => `${quoted(name)} ${type}`),
    ...(hasKey ? [`primary key (${identity.map(quoted).join(', ')})`] : []),
  ]
  await client.query(
    [
      `create table ${names.full} (${columns.join(', ')})`,
      comment(names, rangeColumn, 'start of the range that wrote the row'),
      comment(names, syncedColumn, 'when the row last changed'),
      ...comments(names, seen, plan.create),
    ].join('; '),
  )
}

async function alterTable(
  client: pg.Client,
  names: TableNames,
  seen: SeenFields,
  plan: ColumnPlan,
): Promise<void> {
  if (plan.create.length > 0) {
    const added = plan.create.map(({ name, type }) => `add column ${quoted(name)} ${type}`)
    await client.query(
      [`alter table ${names.full} ${added.join(', ')}`, ...comments(names, seen, plan.create)].join(
        '; ',
      ),
    )
  }
  if (plan.widen.length === 0) return
  const used: string[] = []
  for (const { name, to } of plan.widen) {
    await client.query('savepoint widen')
    try {
      const type = `type ${to} using ${quoted(name)}::${to}`
      await client.query(`alter table ${names.full} alter column ${quoted(name)} ${type}`)
    } catch (error) {
      if (!/^(0A000|42501|2BP01)$/.test(sqlState(error) ?? '')) throw error
      used.push(name)
      await client.query('rollback to savepoint widen')
    }
  }
  if (used.length > 0) throw new CannotWiden(used)
}

/** A table has its primary key from the first row on; an empty one may still get it, or another one. */
async function fitPrimaryKey(
  client: pg.Client,
  names: TableNames,
  target: Target,
  info: TableInfo,
): Promise<void> {
  const identity = identityColumns(target)
  if (
    info.primaryKey.length === identity.length &&
    identity.every((name) => info.primaryKey.includes(name))
  )
    return
  const known = new Set(info.columns.map(({ name }) => name))
  const { rows } = await client.query(`select exists (select from ${names.full}) as filled`)
  if ((rows[0] as { filled: boolean }).filled) {
    throw derrickError(
      'destination',
      'postgres.key_changed',
      `the rows of ${names.full} are told apart by (${info.primaryKey.join(', ')}), not by (${identity.join(', ')})`,
      { remedy: 'reset the stream with clear, or give it another name' },
    )
  }
  const add: string[] = []
  if (identity[0] === idColumn && !known.has(idColumn))
    add.push(`add column ${quoted(idColumn)} text`)
  if (identity.every((name) => name === idColumn || known.has(name))) {
    if (info.primaryKey.length > 0) await dropPrimaryKey(client, names, info)
    add.push(`add primary key (${identity.map(quoted).join(', ')})`)
  }
  if (add.length > 0) await client.query(`alter table ${names.full} ${add.join(', ')}`)
}

async function dropPrimaryKey(
  client: pg.Client,
  names: TableNames,
  info: TableInfo,
): Promise<void> {
  const { rows } = await client.query(
    `select conname as name from pg_constraint where conrelid = $1::bigint::oid and contype = 'p'`,
    [info.id],
  )
  const name = (rows[0] as { name: string } | undefined)?.name
  const nullable = info.primaryKey.map((column) => `, alter column ${quoted(column)} drop not null`)
  if (name)
    await client.query(
      `alter table ${names.full} drop constraint ${quoted(name)}${nullable.join('')}`,
    )
}

/** Says in the ledger whose table it is, before the first commit does. A table made anew voids what was committed before. */
async function stampTable(
  client: pg.Client,
  names: TableNames,
  key: LedgerKey,
  id: number,
): Promise<void> {
  await client.query(
    `update ${names.ledger} set table_id = $4::bigint, committed = null, state = 'claimed'
     where ${ledgerWhere(names)} and table_id is distinct from $4::bigint`,
    [key.streamKey, key.start, key.end, id],
  )
}
