import type pg from 'pg'
import type { JobRange, Receipt, Target } from '../../../schema/protocol.ts'
import { type Finality, finality, unchangedAfter } from '../../../schema/revisit.ts'
import { sabotage } from '../../../schema/sabotage.ts'
import { literal, quoted, schemaName, tableName } from './names.ts'

export const ledgerTable = '_derrick_ranges'

/** Names of a stream's table, ready for SQL. */
export interface TableNames {
  schema: string
  table: string
  /** both, quoted */
  full: string
  ledger: string
}

export function tableNames(target: Target): TableNames {
  const schema = schemaName(target.namespace)
  const table = tableName(target.table)
  return {
    schema,
    table,
    full: `${quoted(schema)}.${quoted(table)}`,
    ledger: `${quoted(schema)}.${quoted(ledgerTable)}`,
  }
}

/** One row a range; users read it, so its columns stay as they are. */
export const createLedger = (ledger: string): string => `create table if not exists ${ledger} (
  stream_key text not null,
  table_name text not null,
  range_start timestamptz not null,
  range_end timestamptz not null,
  state text not null,
  claimed bigint not null,
  committed bigint,
  rows bigint,
  rows_changed bigint,
  bytes bigint,
  checksum text,
  fetched_from timestamptz,
  committed_at timestamptz,
  table_id bigint,
  shrunk_to bigint,
  primary key (stream_key, table_name, range_start, range_end)
)`

/** A range as the ledger names it: what has no bounds is a full read. */
export interface LedgerKey {
  streamKey: string
  start: string
  end: string
}

export function ledgerKey(target: Target, range: JobRange): LedgerKey {
  const full = range.kind === 'full'
  return {
    streamKey: target.streamKey,
    start: full ? '-infinity' : new Date(range.start).toISOString(),
    end: full ? 'infinity' : new Date(range.end).toISOString(),
  }
}

/** What the ledger says of a range's last commit. */
export interface Committed {
  receipt: Receipt
  tableId: number
  /** rows of a read that was refused because it had far fewer */
  shrunkTo: number | null
}

export interface Claim {
  fence: number
  /** null when nothing was committed, or into another table than the one that is there */
  committed: Committed | null
}

/** What `claimOf` reads; `$4` is the table's full name. */
export const receiptColumns = `committed, rows, rows_changed, bytes, checksum, table_id, shrunk_to,
  extract(epoch from fetched_from) * 1000 as fetched_from_ms,
  extract(epoch from committed_at) * 1000 as committed_at_ms,
  to_regclass($4)::oid::bigint as current_table`

/** Finds a range's row: `$1` to `$3` are the key. A stream that moves to another table begins anew there. */
export const ledgerWhere = ({ table }: TableNames): string =>
  `stream_key = $1 and range_start = $2::timestamptz and range_end = $3::timestamptz
   and table_name = ${literal(table)}`

/** The same for many ranges of a stream at once: `$1` is its key, `given` has their bounds. */
export const ledgerIs = ({ table }: TableNames, ledger: string, given: string): string =>
  `${ledger}.stream_key = $1 and ${ledger}.table_name = ${literal(table)}
   and ${ledger}.range_start = ${given}.range_start and ${ledger}.range_end = ${given}.range_end`

/**
 * The fence: only the attempt that claimed a range last may commit it. A sabotaged build lets any attempt.
 * @param mine the parameter that holds the attempt's number
 */
export const holdsClaim = (mine: string, ledger = ''): string =>
  sabotage === 'no_fence' ? `${mine}::bigint is not null` : `${ledger}claimed = ${mine}::bigint`

/**
 * Takes the range over: no attempt that claimed before can commit any more, and one that is committing is waited for, so
 * its outcome is known.
 */
export async function claim(
  client: pg.Client,
  { full, ledger, table }: TableNames,
  key: LedgerKey,
  offered: number,
): Promise<Claim> {
  const { rows } = await client.query(
    `insert into ${ledger} as l (stream_key, range_start, range_end, state, claimed, table_name)
     values ($1, $2::timestamptz, $3::timestamptz, 'claimed', $5::bigint + 1, $6)
     on conflict (stream_key, table_name, range_start, range_end)
     do update set claimed = greatest(l.claimed, $5::bigint) + 1
     returning claimed, ${receiptColumns}`,
    [key.streamKey, key.start, key.end, full, offered, table],
  )
  return claimOf(rows[0] as LedgerRow)
}

export const claimOf = (row: LedgerRow): Claim => ({
  fence: Number(row.claimed),
  committed: committedOf(row),
})

/** Holds the range's row to the end of the transaction; null when a newer attempt has claimed it. */
export async function lockFence(
  client: pg.Client,
  names: TableNames,
  key: LedgerKey,
  fence: number,
): Promise<{ committed: Committed | null; tableId: number | null } | null> {
  const { rows } = await client.query(
    `select ${receiptColumns} from ${names.ledger} where ${ledgerWhere(names)} and ${holdsClaim('$5')} for update`,
    [key.streamKey, key.start, key.end, names.full, fence],
  )
  const row = rows[0] as LedgerRow | undefined
  if (!row) return null
  return { committed: committedOf(row), tableId: numberOf(row.current_table) }
}

export interface LedgerRow {
  claimed: string
  committed: string | null
  rows: string
  rows_changed: string | null
  bytes: string
  checksum: string
  table_id: string | null
  shrunk_to: string | null
  fetched_from_ms: string
  committed_at_ms: string
  current_table: string | null
}

const numberOf = (text: string | null): number | null => (text === null ? null : Number(text))

function committedOf(row: LedgerRow): Committed | null {
  if (row.committed === null || row.table_id === null) return null
  // A table that was dropped, or dropped and made again, has nothing of what the ledger lists.
  if (row.table_id !== row.current_table) return null
  return {
    tableId: Number(row.table_id),
    shrunkTo: numberOf(row.shrunk_to),
    receipt: {
      fence: Number(row.committed),
      records: Number(row.rows),
      bytes: Number(row.bytes),
      rowsChanged: numberOf(row.rows_changed),
      checksum: row.checksum,
      fetchedFrom: Math.round(Number(row.fetched_from_ms)),
      committedAt: Math.round(Number(row.committed_at_ms)),
    },
  }
}

/** How final a range is after this read, depending on whether anything changed: `open`, `settling` or `final`. */
export function statesAfter(
  { kind, end, finality: rules = noRules }: JobRange,
  fetchedFrom: number,
): { changed: Finality; same: Finality } {
  const after = (hasChanged: boolean): Finality => {
    if (kind === 'full') return 'final'
    const unchanged = unchangedAfter({ ...rules, end }, fetchedFrom, hasChanged, rules)
    return finality(end, { fetchedFrom, unchanged }, rules)
  }
  return { changed: after(true), same: after(false) }
}

const noRules: NonNullable<JobRange['finality']> = {
  settleMs: 0,
  lookbackMs: 0,
  untilUnchanged: false,
  fetchedFrom: null,
  unchanged: 0,
}

/**
 * The last act of a commit. Values are those of `commitValues`; `changed`
 * is how many rows changed, `$11` or an expression.
 */
export const recordCommit = (
  names: TableNames,
  changed = '$13::bigint',
): string => `update ${names.ledger} set
  state = case when ${changed} > 0 then $11 else $12 end,
  committed = $4::bigint, fetched_from = $5::timestamptz, committed_at = $6::timestamptz,
  rows = $7::bigint, bytes = $8::bigint, checksum = $9, table_id = $10::bigint,
  rows_changed = ${changed}, shrunk_to = null
  where ${ledgerWhere(names)} and ${holdsClaim('$4')}`

export function commitValues(
  { key, context: { range } }: { key: LedgerKey; context: { range: JobRange } },
  receipt: Receipt,
  tableId: number,
): unknown[] {
  const states = statesAfter(range, receipt.fetchedFrom)
  return [
    key.streamKey,
    key.start,
    key.end,
    receipt.fence,
    new Date(receipt.fetchedFrom).toISOString(),
    new Date(receipt.committedAt).toISOString(),
    receipt.records,
    receipt.bytes,
    receipt.checksum,
    tableId,
    states.changed,
    states.same,
  ]
}

/** Notes that a read had far fewer rows than what is committed; the next read may then say so again. */
export async function noteShrunk(
  client: pg.Client,
  names: TableNames,
  key: LedgerKey,
  fence: number,
  rows: number,
): Promise<void> {
  await client.query(
    `update ${names.ledger} set shrunk_to = $5 where ${ledgerWhere(names)} and ${holdsClaim('$4')}`,
    [key.streamKey, key.start, key.end, fence, rows],
  )
}
