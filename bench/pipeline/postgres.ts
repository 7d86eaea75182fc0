import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { runChild } from '../../test/support/child.ts'
import type { Postgres } from '../../test/support/postgres.ts'
import { requireService } from '../../test/support/services.ts'
import { openEngine } from './engine.ts'
import { type Round, runProgram } from './files.ts'
import { familyCpuUsOf } from './process.ts'
import type { Figures, Workload } from './workload.ts'

const others = ['naive', 'script'] as const

/** What multi-row inserts go into: the columns of the records and nothing else. */
const plainTable = (
  name: string,
): string => `create table ${name} (id text primary key, type text, created_at timestamptz,
  customer_id bigint, session text, value numeric, properties jsonb)`

/** A session on the server that is measured. */
async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Runs a contestant from a fresh checkpoint, so that page images in the WAL are counted alike, and adds what it cost the server. */
async function withServer(url: string, work: () => Promise<Figures>): Promise<Figures> {
  return withClient(url, async (client) => {
    await client.query('checkpoint')
    const { rows: files } = await client.query(`select pg_read_file('postmaster.pid') as text`)
    const server = Number.parseInt(files[0].text as string, 10)
    const { rows: before } = await client.query('select pg_current_wal_lsn() as lsn')
    const cpu = familyCpuUsOf(server)
    const figures = await work()
    const serverCpuUs = familyCpuUsOf(server) - cpu
    const sql = 'select pg_wal_lsn_diff(pg_current_wal_lsn(), $1)::float8 as bytes'
    const { rows } = await client.query(sql, [before[0].lsn])
    return { ...figures, serverCpuUs, walBytes: rows[0].bytes as number }
  })
}

/** One round into empty tables, and again with the same data. */
export async function postgresRound(
  dir: string,
  workload: Workload,
  server: Postgres,
): Promise<{ first: Round; again: Round }> {
  const { url } = server
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  await withClient(url, async (client) => {
    await client.query(
      'drop schema if exists bench cascade; drop table if exists naive, script, copied',
    )
    for (const name of others) await client.query(plainTable(name))
  })
  const first: Round = {}
  const again: Round = {}
  const engine = await openEngine({
    dir,
    workload,
    destination: { type: 'postgres', config: { url } },
  })
  try {
    first.engine = await withServer(url, engine.sync)
    again.engine = await withServer(url, engine.resync)
  } finally {
    await engine.stop()
  }
  for (const name of others) {
    const run = () => runProgram(name, { workload, to: { url, table: name } })
    first[name] = await withServer(url, run)
    again[name] = await withServer(url, run)
  }
  first.limit = await withServer(url, () => copyReadyText(url, dir, first.engine?.records ?? 0))
  return { first, again }
}

/** `psql \copy` of the engine's own rows as ready text into an identical table with its indexes. */
async function copyReadyText(url: string, dir: string, records: number): Promise<Figures> {
  const psql = join(dirname(requireService('postgres')), 'psql')
  const file = join(dir, 'rows.copy')
  const run = (command: string) => runChild(psql, [url, '-X', '-q', '-c', command])
  await run(`\\copy bench.events to '${file}'`)
  await run('create table copied (like bench.events including all)')
  const startedAt = performance.now()
  await run(`\\copy copied from '${file}'`)
  // psql only moves bytes; its CPU says nothing of a pipeline.
  return { records, ms: performance.now() - startedAt, cpuUs: Number.NaN, peakRssMb: Number.NaN }
}
