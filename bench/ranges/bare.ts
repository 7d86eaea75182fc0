/**
 * A bare loop that asks for the same ranges and makes as much durable: a file with its name and a line of a journal for each,
 * or its rows and a row of a ledger in one statement. It keeps no promise.
 *
 *   node bench/ranges/bare.ts '{"url":…,"ranges":[…],"inFlight":8,"to":{"folder":…}|{"url":…}}'
 */
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { Agent, request } from 'undici'

type Row = Record<string, unknown>
interface Input {
  url: string
  /** epoch ms, half-open */
  ranges: { start: number; end: number }[]
  inFlight: number
  to: { folder: string } | { url: string }
}

const { url, ranges, inFlight, to } = JSON.parse(process.argv[2] ?? '') as Input
const agent = new Agent({ pipelining: 1 })
const write = 'folder' in to ? await filesIn(to.folder) : await tableIn(to.url)

async function filesIn(folder: string) {
  await mkdir(folder, { recursive: true })
  const journal: FileHandle = await open(join(folder, 'journal.jsonl'), 'a')
  return async (start: number, rows: Row[]): Promise<void> => {
    const path = join(folder, `${start}.jsonl`)
    if (rows.length > 0) {
      const file = await open(`${path}.tmp`, 'w')
      await file.writeFile(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`)
      await file.sync()
      await file.close()
    }
    await journal.appendFile(`${JSON.stringify({ start, rows: rows.length })}\n`)
    await journal.sync()
    if (rows.length === 0) return
    await rename(`${path}.tmp`, path)
    const parent = await open(folder, 'r')
    await parent.sync()
    await parent.close()
  }
}

async function tableIn(server: string) {
  const pool = new pg.Pool({ connectionString: server, max: inFlight })
  await pool.query('create table bare (id text primary key, record jsonb)')
  await pool.query('create table bare_ranges (start int8 primary key, rows int4)')
  const text = `with rows as (insert into bare select r->>'id', r from jsonb_array_elements($2::jsonb) r returning 1)
    insert into bare_ranges values ($1, (select count(*) from rows))`
  return async (start: number, rows: Row[]): Promise<void> => {
    await pool.query({ name: 'range', text, values: [start, JSON.stringify(rows)] })
  }
}

let next = 0
const lane = async (): Promise<void> => {
  for (let range = ranges[next++]; range; range = ranges[next++]) {
    const query = `since=${range.start / 1_000}&until=${range.end / 1_000 - 1}&limit=200`
    const answer = await request(`${url}/v1/events?${query}`, { dispatcher: agent })
    await write(range.start, ((await answer.body.json()) as { data: Row[] }).data)
  }
}
const cpu = process.cpuUsage()
const begun = performance.now()
await Promise.all(Array.from({ length: inFlight }, lane))
const ms = performance.now() - begun
const { user, system } = process.cpuUsage(cpu)
process.stdout.write(`${JSON.stringify({ ms, cpuMs: (user + system) / 1_000 })}\n`)
process.exit(0)
