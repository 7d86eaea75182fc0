/**
 * How fast ranges get into PostgreSQL: first load and re-read through the writer, against psql's \copy of ready text into an
 * identical table and against naive INSERTs of many rows. All in one run, in turns, on a private server.
 *
 *   node bench/postgres.ts [--rows 20000] [--rounds 5] [--page 500]
 *
 * Prints a table with ratios and, as the last line, the same as JSON.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import pg from 'pg'
import { makeEncoder } from '../actors/destinations/postgres/encoder.ts'
import { PostgresWriter } from '../actors/destinations/postgres/writer.ts'
import { Spool } from '../actors/destinations/spool.ts'
import { SpoolPool } from '../actors/destinations/spool-pool.ts'
import type { Row } from '../actors/destinations/writer.ts'
import type { Target } from '../schema/protocol.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { commitPages } from './writer/commit-pages.ts'
import { benchDay, benchTarget } from './writer/target.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '5' },
    page: { type: 'string', default: '500' },
  },
})
const [rowCount, rounds, pageSize] = [values.rows, values.rounds, values.page].map(Number) as [
  number,
  number,
  number,
]
const folder = mkdtempSync(join(tmpdir(), 'derrick-bench-'))
const dayStart = Date.UTC(2026, 0, 1)
const range = benchDay(dayStart, 0, Number.POSITIVE_INFINITY)
const limits = { spoolMemoryBytes: 1024 * 1024, maxBodyBytes: 32 * 1024 * 1024 }

/** About 600 bytes of JSON, 20 fields, 3 of them nested; `version` changes one row in twenty. */
function record(id: number, version: number): Row {
  const at = new Date(dayStart + ((id * 7919) % 86_400_000)).toISOString()
  const changed = id % 20 === 0 ? version : 0
  return {
    id: `01J${String(id).padStart(10, '0')}${(id * 2654435761).toString(16)}`,
    order_number: 1_000_000 + id,
    created_at: at,
    updated_at: at,
    email: `customer.${id % 9999}@example.com`,
    first_name: 'alpha',
    last_name: id % 97 === 0 ? 'O\'Neil "é"\n' : 'omega',
    currency: 'EUR',
    total_price: ((id % 100_000) / 100).toFixed(2),
    subtotal: (id % 100_000) / 100,
    item_count: id % 20,
    is_test: id % 10 === 0,
    financial_status: changed ? `refunded ${version}` : 'paid',
    fulfillment_status: id % 2 ? null : 'fulfilled',
    source_name: 'web',
    customer_id: id * 1000,
    note: id % 3 ? null : 'leave it at the door, said the customer',
    tags: ['new', 'gift'],
    shipping: { city: 'Riga', zip: String(10_000 + (id % 89_999)), country: 'LV', lat: id / 7 },
    props: { utm: 'spring', session: (id * 40503).toString(16).padStart(12, '0'), score: id % 100 },
  }
}

/** Pages as a reader hands them over; made outside of what is measured. */
function pagesOf(version: number): Row[][] {
  const pages: Row[][] = []
  for (let first = 0; first < rowCount; first += pageSize) {
    const length = Math.min(pageSize, rowCount - first)
    pages.push(Array.from({ length }, (_, i) => record(first + i, version)))
  }
  return pages
}

const target = (namespace: string, tracks: Target['tracks']): Target =>
  benchTarget('postgres', namespace, 'orders', { cursorField: 'updated_at', tracks })

const pool = new SpoolPool()
let attempts = 0

/** One attempt from records to the committed range: encoder, spool, writer. */
async function sync(writer: PostgresWriter, to: Target, pages: Row[][]): Promise<number> {
  attempts += 1
  const name = `${attempts}`
  const { signal } = new AbortController()
  const spool = new Spool({
    pool,
    dir: folder,
    name: () => name,
    memoryBytes: limits.spoolMemoryBytes,
    signal,
  })
  const attempt = writer.openRange({
    target: to,
    range,
    offeredFence: attempts,
    spoolDir: folder,
    limits,
    spool,
    signal,
    commitSlot: async () => {},
    onRejects: () => {},
    onSchemaChange: () => {},
  })
  await attempt.begin()
  const fetchedFrom = Date.now()
  const encoder = makeEncoder({ target: to, range, fetchedFrom })
  const { rowsChanged } = await commitPages({ attempt, encoder, spool }, pages, fetchedFrom)
  return rowsChanged ?? 0
}

/** What a script does that knows no better: INSERT of a page's rows with a parameter for every value. */
async function insertPages(client: pg.Client, table: string, pages: Row[][]): Promise<void> {
  const names = Object.keys(pages[0]?.[0] ?? {})
  const list = names.map((name) => `"${name}"`).join(', ')
  const sets = names.slice(1).map((name) => `"${name}" = excluded."${name}"`)
  for (const page of pages) {
    let parameter = 0
    const rows = page.map(
      () =>
        `(${names
          .map(() => {
            parameter += 1
            return `$${parameter}`
          })
          .join(', ')})`,
    )
    await client.query(
      `insert into ${table} (${list}) values ${rows.join(', ')} on conflict (id) do update set ${sets.join(', ')}`,
      page.flatMap((row) =>
        names.map((name) => {
          const value = row[name]
          return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
        }),
      ),
    )
  }
}

const postgres = await startPostgres({ fsync: true, settings: { max_wal_size: '4GB' } })
const client = new pg.Client({ connectionString: postgres.url })
await client.connect()
const writer = new PostgresWriter({ url: postgres.url })
const samples = new Map<string, number[]>()

async function measure(name: string, act: () => Promise<unknown>): Promise<void> {
  const began = performance.now()
  await act()
  const rate = rowCount / ((performance.now() - began) / 1000)
  samples.set(name, [...(samples.get(name) ?? []), rate])
}

const run = promisify(execFile)

async function round(n: number): Promise<void> {
  const pages = pagesOf(1)
  const changed = pagesOf(2)
  const of = (kind: string): string => `${kind}_${n}`
  await measure('first load', () => sync(writer, target(of('direct'), 'creation'), pages))
  // A table that has rows already, and a stream whose keys may be in any range: no COPY straight into it.
  const staged = target(of('staged'), 'updates')
  await sync(writer, staged, [[record(rowCount + 1, 1)]])
  await client.query(`update ${of('staged')}._derrick_ranges set committed = null`)
  await measure('first load, staged', () => sync(writer, staged, pages))
  await measure('re-read, unchanged', () => sync(writer, staged, pages))
  await measure('re-read, 5 % changed', () => sync(writer, staged, changed))

  const ready = join(folder, 'ready.txt')
  const { rows } = await client.query(
    `select string_agg(quote_ident(attname), ', ' order by attnum) as list from pg_attribute
     where attrelid = $1::regclass and attnum > 0`,
    [`${of('direct')}.orders`],
  )
  const list = String(rows[0].list)
  await run('psql', [postgres.url, '-c', `\\copy ${of('direct')}.orders (${list}) to '${ready}'`])
  for (const kind of ['ready', 'naive']) {
    await client.query(
      `create schema ${of(kind)}; create table ${of(kind)}.orders (like ${of('direct')}.orders including all)`,
    )
  }
  await client.query(
    `alter table ${of('naive')}.orders alter column _derrick_synced_at drop not null`,
  )
  await measure('\\copy of ready text', () =>
    run('psql', [postgres.url, '-c', `\\copy ${of('ready')}.orders (${list}) from '${ready}'`]),
  )
  await measure('naive INSERT', () => insertPages(client, `${of('naive')}.orders`, pages))
  await measure('naive INSERT again', () => insertPages(client, `${of('naive')}.orders`, changed))
  for (const kind of ['direct', 'staged', 'ready', 'naive']) {
    await client.query(`drop schema ${of(kind)} cascade`)
  }
}

const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0

try {
  // The first round warms up and is not counted.
  await round(0)
  samples.clear()
  for (let n = 1; n <= rounds; n += 1) await round(n)
  const rates = Object.fromEntries([...samples].map(([name, list]) => [name, median(list)]))
  const copy = rates['\\copy of ready text'] ?? 1
  const naive = rates['naive INSERT'] ?? 1
  const lines = Object.entries(rates).map(
    ([name, rate]) =>
      `${name.padEnd(24)} ${String(Math.round(rate)).padStart(8)} rows/s  ${(rate / copy).toFixed(2)} of \\copy  ${(rate / naive).toFixed(2)} of naive`,
  )
  const result = {
    bench: 'postgres',
    rows: rowCount,
    page: pageSize,
    rounds,
    rows_per_s: Object.fromEntries(
      Object.entries(rates).map(([name, rate]) => [name, Math.round(rate)]),
    ),
    first_load_of_copy: Number(((rates['first load'] ?? 0) / copy).toFixed(2)),
    first_load_of_naive: Number(((rates['first load'] ?? 0) / naive).toFixed(2)),
    re_read_of_naive: Number(
      ((rates['re-read, 5 % changed'] ?? 0) / (rates['naive INSERT again'] ?? 1)).toFixed(2),
    ),
  }
  process.stdout.write(`${lines.join('\n')}\n${JSON.stringify(result)}\n`)
} finally {
  await writer.close()
  await client.end()
  await postgres.remove()
  rmSync(folder, { recursive: true, force: true })
}
