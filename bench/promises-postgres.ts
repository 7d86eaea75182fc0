/**
 * What each promise of the Postgres destination costs: the same ranges committed with all of them, and with one taken away from
 * outside. The product has no such switches; here its parts are put together in another way, or SQL that knows no better does
 * the rest. On a private server, in turns.
 *
 *   node bench/promises-postgres.ts [--rounds 5] [--small 1000]
 *
 * Prints a table and, as the last line, the same as JSON.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { PostgresAttempt, type Stream } from '../actors/destinations/postgres/attempt.ts'
import { Claims } from '../actors/destinations/postgres/claims.ts'
import { makeEncoder } from '../actors/destinations/postgres/encoder.ts'
import { tableNames } from '../actors/destinations/postgres/ledger.ts'
import { Sessions } from '../actors/destinations/postgres/sessions.ts'
import { SmallCommits } from '../actors/destinations/postgres/small-commits.ts'
import { parseAddress } from '../actors/destinations/postgres/url.ts'
import { Spool } from '../actors/destinations/spool.ts'
import { SpoolPool } from '../actors/destinations/spool-pool.ts'
import type { Row } from '../actors/destinations/writer.ts'
import { CommitSlots } from '../runtime/engine/commit-slots.ts'
import type { JobRange, Target } from '../schema/protocol.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { tempDir } from '../test/support/temp-dir.ts'
import { commitPages } from './writer/commit-pages.ts'
import { type Case, inTurns } from './writer/in-turns.ts'
import { benchDay, benchTarget } from './writer/target.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    small: { type: 'string', default: '1000' },
  },
})
const rounds = Number(values.rounds)
const smallRanges = Number(values.small)
const inFlight = 64
const slotsHeld = 4

const dayMs = 86_400_000
const firstDay = Date.UTC(2020, 0, 1)
const fetchedFrom = Date.UTC(2030, 0, 1)
const limits = { spoolMemoryBytes: 16 * 1024 * 1024, maxBodyBytes: 32 * 1024 * 1024 }
using folder = tempDir('bench')

function record(id: number, day: number, more: Row = {}): Row {
  const at = new Date(firstDay + day * dayMs + (id % 86_400) * 1000).toISOString()
  return {
    id: `01J${String(id).padStart(10, '0')}`,
    updated_at: at,
    email: `customer.${id % 9999}@example.com`,
    total: (id % 100_000) / 100,
    paid: id % 2 === 0,
    note: 'leave it at the door, said the customer',
    lines: [{ sku: `A-${id % 97}`, quantity: id % 5 }],
    ...more,
  }
}
const pagesOf = (count: number, size: number, day: number, more = (_: number): Row => ({})) =>
  Array.from({ length: count }, (_, page) =>
    Array.from({ length: size }, (_, i) =>
      record(day * 1_000_000 + page * size + i, day, more(page)),
    ),
  )

const rangeOf = (day: number): JobRange => benchDay(firstDay, day, Number.POSITIVE_INFINITY)

const targetOf = (namespace: string, tracks: Target['tracks']): Target =>
  benchTarget('postgres', namespace, 'orders', { cursorField: 'updated_at', tracks })

/** The parts of a writer for one stream; `alone`: each attempt has its own queues, so nothing shares a statement. */
class Bench {
  readonly sessions: Sessions
  readonly #pool = new SpoolPool()
  readonly #slots = new CommitSlots()
  readonly #table: Stream['table'] = { info: null }
  readonly #target: Target
  #shared: Stream | null = null
  #attempts = 0

  constructor(url: string, target: Target) {
    this.sessions = new Sessions(parseAddress({ url }), slotsHeld + 1)
    this.#target = target
  }

  #stream(isAlone: boolean): Stream {
    const make = (): Stream => ({
      table: this.#table,
      claims: new Claims(this.sessions, tableNames(this.#target)),
      small: new SmallCommits(this.sessions, this.#table),
    })
    if (isAlone) return make()
    this.#shared ??= make()
    return this.#shared
  }

  /** One attempt from records to the committed range. */
  async sync(day: number, pages: Row[][], isAlone = false): Promise<void> {
    this.#attempts += 1
    const name = `${this.#attempts}`
    const { signal } = new AbortController()
    const { path } = folder
    const memoryBytes = limits.spoolMemoryBytes
    const spool = new Spool({ pool: this.#pool, dir: path, name: () => name, memoryBytes, signal })
    const granted = Promise.withResolvers<void>()
    let giveBack: (() => void) | undefined
    const attempt = new PostgresAttempt(this.sessions, this.#stream(isAlone), {
      ...{ target: this.#target, range: rangeOf(day), limits, spool, signal },
      offeredFence: this.#attempts,
      spoolDir: path,
      commitSlot: () => {
        giveBack ??= this.#slots.request('bench', slotsHeld, granted.resolve)
        return granted.promise
      },
      onRejects: () => {},
      onSchemaChange: () => {},
    })
    await attempt.begin()
    const encoder = makeEncoder({ target: this.#target, range: rangeOf(day), fetchedFrom })
    await commitPages({ attempt, encoder, spool }, pages, fetchedFrom).finally(() => giveBack?.())
  }
}

interface Server {
  url: string
  client: pg.Client
}

let schemas = 0
async function withBench<T>(
  { url, client }: Server,
  tracks: Target['tracks'],
  work: (bench: Bench, table: string) => Promise<T>,
): Promise<T> {
  schemas += 1
  const namespace = `b${schemas}`
  const bench = new Bench(url, targetOf(namespace, tracks))
  try {
    return await work(bench, `${namespace}.orders`)
  } finally {
    await bench.sessions.close()
    await client.query(`drop schema if exists ${namespace} cascade`)
  }
}

interface Measured {
  ms: number
  wal: number
}

async function measure(
  { client }: Server,
  act: () => Promise<unknown>,
  per = 1,
): Promise<Measured> {
  const lsn = async (): Promise<number> => {
    const { rows } = await client.query(`select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as at`)
    return Number(rows[0].at)
  }
  const before = await lsn()
  const began = performance.now()
  await act()
  const ms = performance.now() - began
  return { ms: ms / per, wal: ((await lsn()) - before) / per }
}

/** Encodes the rows and COPYs their text into a table, with or without Derrick's two columns. */
async function copyRows(client: pg.Client, table: string, pages: Row[][], isOwned = true) {
  const target = targetOf('plain', 'creation')
  const encoder = makeEncoder({ target, range: rangeOf(1), fetchedFrom })
  const encoded = pages.map((page) => encoder.encode(page))
  const columns = encoded[0]?.meta.columns ?? []
  const names = (isOwned ? columns : columns.slice(2)).map(({ name }) => `"${name}"`).join(', ')
  const texts = encoded.map(({ bytes }) => {
    const text = Buffer.from(bytes).toString()
    return isOwned ? text : text.replace(/^[^\t\n]*\t[^\t\n]*\t/gm, '')
  })
  const stream = client.query(copyFrom(`copy ${table} (${names}) from stdin`))
  await pipeline(Readable.from(texts), stream)
}

async function copyAlone(server: Server, like: string, pages: Row[][], isOwned: boolean) {
  const { client } = server
  schemas += 1
  const table = `plain${schemas}`
  await client.query(`create table ${table} (like ${like} including all)`)
  if (!isOwned) {
    await client.query(
      `alter table ${table} drop column _derrick_range, drop column _derrick_synced_at`,
    )
  }
  const measured = await measure(server, () => copyRows(client, table, pages, isOwned))
  await client.query(`drop table ${table}`)
  return measured
}

const bigPages = pagesOf(5, 1000, 1)
const smallPages = Array.from({ length: smallRanges }, (_, day) => pagesOf(1, 5, day))
const wideAt = (page: number) => pagesOf(1000, 5, 1, (n) => (n >= page ? { late: n } : {}))
const [late, never] = [wideAt(900), wideAt(1000)]

/** All small ranges, so many in flight at once. */
async function syncSmall(bench: Bench, isAlone: boolean): Promise<void> {
  await bench.sync(smallRanges + 1, pagesOf(1, 5, smallRanges + 1))
  let next = 0
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < smallRanges) {
        const day = next
        next += 1
        await bench.sync(day, smallPages[day] as Row[][], isAlone)
      }
    }),
  )
}

const naiveUpsert = (table: string): string => `insert into ${table} select * from again
  on conflict (id) do update set _derrick_range = excluded._derrick_range, _derrick_synced_at = excluded._derrick_synced_at,
  updated_at = excluded.updated_at, email = excluded.email, total = excluded.total, paid = excluded.paid,
  note = excluded.note, lines = excluded.lines`

const first = (server: Server) =>
  withBench(server, 'creation', async (bench) => {
    await bench.sync(0, pagesOf(1, 5, 0))
    return measure(server, () => bench.sync(1, bigPages))
  })

function casesOf(server: Server, unsafe: Server): Case<Measured>[] {
  const plain = (isOwned: boolean) =>
    withBench(server, 'creation', async (bench, table) => {
      await bench.sync(0, pagesOf(1, 5, 0))
      return copyAlone(server, table, bigPages, isOwned)
    })
  const pagesTo = (pages: Row[][]) =>
    withBench(server, 'creation', async (bench) => {
      await bench.sync(0, pagesOf(1, 5, 0))
      return measure(server, () => bench.sync(1, pages))
    })
  const small = (isAlone: boolean) =>
    withBench(server, 'creation', (bench) =>
      measure(server, () => syncSmall(bench, isAlone), smallRanges),
    )
  const again = (isNaive: boolean) =>
    withBench(server, 'updates', async (bench, table) => {
      await bench.sync(1, bigPages)
      const { client } = server
      if (!isNaive) return measure(server, () => bench.sync(1, bigPages))
      return measure(server, async () => {
        await client.query(`create temp table again (like ${table})`)
        await copyRows(client, 'again', bigPages)
        await client.query(naiveUpsert(table))
        await client.query('drop table again')
      })
    })
  return [
    ['5,000 rows, every promise', () => first(server)],
    ['… without fsync', () => first(unsafe)],
    ['… without claim, fence, ledger, spool', () => plain(true)],
    ['… and without ownership columns', () => plain(false)],
    ['claim, fence and ledger alone', () => pagesTo([])],
    ['5,000 rows again, unchanged', () => again(false)],
    ['… by an upsert of every row', () => again(true)],
    [`${smallRanges} ranges of 5 rows, each`, () => small(false)],
    ['… each a transaction of its own', () => small(true)],
    ['1,000 pages', () => pagesTo(never)],
    ['… with a new column on page 900', () => pagesTo(late)],
  ]
}

/** Other work goes on beside: the best round is the one that it disturbed least. */
const best = (list: number[]): number => Math.min(...list)

async function startServer(fsync: boolean) {
  const postgres = await startPostgres({ fsync, settings: { max_wal_size: '4GB' } })
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  return { postgres, server: { url: postgres.url, client } }
}

const [safe, unsafe] = [await startServer(true), await startServer(false)]
try {
  const cases = casesOf(safe.server, unsafe.server)
  const measured = await inTurns(cases, rounds)
  const print = (line: string): boolean => process.stdout.write(`${line}\n`)
  print(`${'a range'.padEnd(42)}        ms    WAL kB   ratio`)
  let base = 1
  const lines = cases.map(([name], at) => {
    const ms = best((measured[at] ?? []).map((one) => one.ms))
    const wal = best((measured[at] ?? []).map((one) => one.wal)) / 1024
    if (!name.startsWith('…')) base = ms
    const ratio = Number((ms / base).toFixed(2))
    print(
      `${name.padEnd(42)}${ms.toFixed(2).padStart(10)}${wal.toFixed(1).padStart(10)}${String(ratio).padStart(8)}`,
    )
    return { name, ms: Number(ms.toFixed(3)), wal_kb: Number(wal.toFixed(1)), ratio }
  })
  print(JSON.stringify({ bench: 'promises-postgres', rounds, in_flight: inFlight, lines }))
} finally {
  for (const { postgres, server } of [safe, unsafe]) {
    await server.client.end()
    await postgres.remove()
  }
}
