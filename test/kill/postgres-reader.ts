import type pg from 'pg'
import type { StreamName } from '../../actors/simulator/shop.ts'
import { canonicalRecord, digestOf, ours } from './canonical.ts'
import { namespace } from './place.ts'
import type {
  CommittedReader,
  RangeStart,
  VisibleReceipt,
  VisibleRow,
  VisibleStream,
} from './visible.ts'

/** A column that is null and a field that is absent are one thing in a table. */
export const comparable = (json: string): string =>
  sameInstants(canonicalRecord(json, ours, 'drop'))

/** The cursor's column holds instants: in whatever zone they came, they are shown in one. */
const sameInstants = (record: string): string =>
  record.replace(instant, (_, text: string) => `"${new Date(text).toISOString()}"`)
const instant = /"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d))"/g

type CachedRow = VisibleRow & { start: RangeStart }

/** Rows are looked at again after each kill, and few of them have changed. */
const mostCached = 100_000

/** Reads the tables and `_derrick_ranges` as any user of the database would. */
export function postgresReader(pool: pg.Pool): CommittedReader {
  const cache = new Map<string, CachedRow>()
  const parsed = (text: string): CachedRow => {
    const known = cache.get(text)
    if (known) return known
    if (cache.size >= mostCached) cache.clear()
    const row = parseRow(text)
    cache.set(text, row)
    return row
  }
  return {
    ownership: 'key',
    canonical: comparable,
    async read(stream) {
      const client = await pool.connect()
      try {
        await client.query(
          'begin isolation level repeatable read read only; set local timezone = utc',
        )
        const seen = await readSnapshot(client, stream, parsed)
        await client.query('commit')
        client.release()
        return seen
      } catch (error) {
        client.release(true)
        throw error
      }
    },
    async leftovers() {
      const { rows } = await pool.query(
        `select relname from pg_class where relname like '\\_derrick\\_stage%'`,
      )
      return rows.map(({ relname }) => `table ${relname}`)
    },
  }
}

async function readSnapshot(
  client: pg.PoolClient,
  stream: StreamName,
  parsed: (text: string) => CachedRow,
): Promise<VisibleStream> {
  const table = `${namespace}.${stream}`
  const seen: VisibleStream = { ranges: new Map(), oddities: [], receipts: new Map() }
  const { rows: found } = await client.query(
    'select to_regclass($1) as table, to_regclass($2) as ledger',
    [table, `${namespace}._derrick_ranges`],
  )
  if (found[0].ledger !== null) seen.receipts = await readReceipts(client, stream)
  if (found[0].table === null) return seen
  const { rows } = await client.query(`select row_to_json(t)::text as row from ${table} t`)
  const keys = new Set<string>()
  for (const { row: text } of rows as { row: string }[]) {
    const { start, ...row } = parsed(text)
    if (keys.has(row.key)) seen.oddities.push(`${row.key} is there twice`)
    keys.add(row.key)
    const range = seen.ranges.get(start) ?? { start, rows: [], places: [table] }
    seen.ranges.set(start, range)
    range.rows.push(row)
  }
  return seen
}

async function readReceipts(
  client: pg.PoolClient,
  stream: StreamName,
): Promise<Map<RangeStart, VisibleReceipt>> {
  const { rows } = await client.query(
    `select range_end = 'infinity' as is_full, rows, extract(epoch from fetched_from) * 1000 as fetched_from,
       case when isfinite(range_start) then extract(epoch from range_start) * 1000 end as start
     from ${namespace}._derrick_ranges where table_name = $1 and committed is not null`,
    [stream],
  )
  return new Map(
    rows.map((row) => [
      row.is_full ? 'full' : Number(row.start),
      { fetchedFrom: Math.round(Number(row.fetched_from)), rows: Number(row.rows) },
    ]),
  )
}

function parseRow(text: string): CachedRow {
  const row = JSON.parse(text) as Record<string, unknown>
  const start = row._derrick_range === null ? 'full' : Date.parse(String(row._derrick_range))
  const syncedAt = Date.parse(String(row._derrick_synced_at))
  const record = comparable(text)
  return { key: String(row.id ?? row.sku), start, syncedAt, record, digest: digestOf(record) }
}
