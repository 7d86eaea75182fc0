/**
 * What the executable makes of a shop's events, beside the actor pipeline that anybody writes first (`naive`), a script of one
 * thread that hands nothing over (`script`), and what no pipeline can beat (`limit`), in one run.
 *
 *   npm run bench [-- --quick] [--rounds 3] [--only files,postgres] [--save]
 *
 * Prints a table. `--save` writes bench/results/<date>.json. Linux only (CPU and memory come from /proc).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/support/postgres.ts'
import { findService } from '../test/support/services.ts'
import { tempDir } from '../test/support/temp-dir.ts'
import { filesRound, type Round } from './pipeline/files.ts'
import { postgresRound } from './pipeline/postgres.ts'
import { openShop, warmUp } from './pipeline/shop.ts'
import { type Line, summarise, table } from './pipeline/summary.ts'
import type { Workload } from './pipeline/workload.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds is a whole number from 1')

/** Milliseconds that a page takes in the cases with a latency. */
const latencyMs = 50
const serverSettings = { shared_buffers: '512MB', max_wal_size: '8GB', autovacuum: 'off' }

interface Case {
  name: string
  to: 'files' | 'postgres'
  pageSize: number
  inFlight: number
  latencyMs: number
  compress: boolean
  /** records of a day, which is a range; all contestants read the same */
  perDay: number
}

const near = { pageSize: 1000, inFlight: 8, latencyMs: 0, compress: false, perDay: 4000 }
const far = { pageSize: 250, inFlight: 16, latencyMs, compress: true, perDay: 4000 }
const cases: Case[] = [
  { name: 'files', to: 'files', ...near },
  { name: 'files, 16,000 a range', to: 'files', ...near, perDay: 16_000 },
  { name: 'files, compressed API', to: 'files', ...near, compress: true },
  { name: `files, ${latencyMs} ms a page`, to: 'files', ...far },
  { name: 'Postgres', to: 'postgres', ...near },
  { name: `Postgres, ${latencyMs} ms a page`, to: 'postgres', ...far },
]
const say = (line: string): boolean => process.stdout.write(`${line}\n`)

async function runCase(one: Case, dir: string): Promise<Line[]> {
  const days = values.quick ? 16 : 48
  const { shop, ranges } = await openShop({
    days,
    perDay: values.quick ? 1000 : one.perDay,
    compress: one.compress,
  })
  const server =
    one.to === 'postgres' ? await startPostgres({ fsync: true, settings: serverSettings }) : null
  try {
    const { url, apiKey } = shop
    const workload: Workload = { shop: { url, apiKey }, ranges, ...one }
    const bodyBytes = await warmUp(workload)
    await shop.setLatency(one.latencyMs)
    const first: Round[] = []
    const again: Round[] = []
    for (let round = 0; round < rounds; round += 1) {
      if (!server) first.push(await filesRound(dir, workload, bodyBytes))
      else {
        const both = await postgresRound(dir, workload, server)
        first.push(both.first)
        again.push(both.again)
      }
    }
    return [
      ...summarise(one.name, first),
      ...(server ? summarise(`${one.name}, unchanged`, again) : []),
    ]
  } finally {
    await shop.stop()
    await server?.remove()
  }
}

const wanted = values.only?.split(',')
const lines: Line[] = []
const dir = tempDir('bench')
try {
  for (const one of cases) {
    if (wanted && !wanted.includes(one.to)) continue
    if (one.to === 'postgres' && !findService('postgres')) {
      say(`${one.name}: left out, PostgreSQL is missing`)
      continue
    }
    const made = await runCase(one, join(dir.path, 'case'))
    lines.push(...made)
    say(table(made))
  }
} finally {
  dir.remove()
}
say(`\n${table(lines)}`)
const result = {
  bench: 'pipeline',
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  cores: availableParallelism(),
  rounds,
  quick: values.quick,
  lines,
}
if (values.save) {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${result.date}.json`), `${JSON.stringify(result, null, 2)}\n`)
} else say(JSON.stringify(result))
