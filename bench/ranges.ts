/**
 * What a range costs, whatever it holds: thousands of ranges that are empty, or hold five records, beside a bare loop that
 * asks for the same and makes as much durable.
 *
 *   node bench/ranges.ts [--ranges 2000] [--only files,postgres] [--source | --executable FILE]
 *
 * Prints JSON, a line a case: CPU ms a range by thread, warm (after `first` ranges that meet cold code). Linux only.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runChild } from '../test/support/child.ts'
import { startDerrick } from '../test/support/derrick.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { findService } from '../test/support/services.ts'
import { createConnection, runToEnd } from '../test/support/setup.ts'
import { tempDir } from '../test/support/temp-dir.ts'
import { type EventsApi, startEventsApi } from './ranges/api.ts'
import { perEach, type ThreadCpu, threadCpuOf } from './ranges/threads.ts'

const { values } = parseArgs({
  options: {
    ranges: { type: 'string', default: '2000' },
    only: { type: 'string', default: 'files,postgres' },
    source: { type: 'boolean', default: false },
    executable: { type: 'string' },
  },
})
const count = Number(values.ranges)
/** read before, so that what is measured is warm; measured as well */
const cold = 300
const inFlight = 16
const hourMs = 3_600_000
const longestRunMs = 600_000

type To =
  | { type: 'local_file'; config: { path: string } }
  | { type: 'postgres'; config: { url: string } }

interface Measured {
  rangesPerSecond: number
  cpuMs: number
  byThread: ThreadCpu
}

/** Looks are rare: each answer of the API is work of the supervisor, too. */
const lookEveryMs = 2_000

/** Hours that have ended, the first ones cold. */
const end = Math.floor(Date.now() / hourMs) * hourMs - hourMs
const hours = Array.from({ length: cold + count }, (_, i) => end - (cold + count - i) * hourMs)
const text = (ms: number | undefined): string => new Date(ms ?? 0).toISOString()

async function engine(
  dir: string,
  api: EventsApi,
  to: To,
): Promise<{ first: Measured; warm: Measured }> {
  const derrick = await startDerrick({
    dataDir: join(dir, 'data'),
    run: values.executable ? { file: values.executable } : values.source ? 'source' : 'executable',
    env: { DERRICK_LOG_LEVEL: 'warn' },
  })
  try {
    const make = async (path: string, body: unknown) =>
      (await derrick.api<{ id: string }>('POST', path, body)).id
    const source_id = await make('/sources', {
      name: 'shop',
      connector: 'demo_shop',
      config: { base_url: api.url, api_key: 'none' },
      start_date: text(hours[0]),
    })
    const destination_id = await make('/destinations', { name: 'target', ...to })
    const connection = { name: 'bench', source_id, destination_id, namespace: 'bench' }
    const stream = { name: 'events', sync_granularity: 'hour' as const, parallel_ranges: inFlight }
    const streams = await createConnection(derrick, connection, [stream])
    const id = streams.get('events') as string
    await derrick.api('POST', `/sources/${source_id}/check`, {})
    await derrick.api('POST', `/destinations/${destination_id}/check`, {})
    const sync = async (from: number | undefined, until: number): Promise<Measured> => {
      const before = threadCpuOf(derrick.child.pid)
      const run = await make(`/streams/${id}/sync`, { from: text(from), to: text(until) })
      const done = await runToEnd(derrick, run, longestRunMs, lookEveryMs)
      if (done.status !== 'complete') throw new Error(`the run ended ${JSON.stringify(done)}`)
      const byThread = perEach(before, threadCpuOf(derrick.child.pid), done.ranges.complete)
      const ms = Date.parse(done.finished_at ?? '') - Date.parse(done.started_at ?? '')
      const cpuMs = Object.values(byThread).reduce((sum: number, one: number) => sum + one, 0)
      return {
        rangesPerSecond: Math.round((done.ranges.complete / ms) * 1_000),
        cpuMs: Number(cpuMs.toFixed(2)),
        byThread,
      }
    }
    const first = await sync(hours[0], hours[cold] as number)
    return { first, warm: await sync(hours[cold], end) }
  } finally {
    await derrick.stop()
  }
}

async function bare(api: EventsApi, to: { folder: string } | { url: string }) {
  const ranges = hours.slice(cold).map((start) => ({ start, end: start + hourMs }))
  const program = join(import.meta.dirname, 'ranges/bare.ts')
  const input = JSON.stringify({ url: api.url, ranges, inFlight, to })
  const said = JSON.parse(await runChild(process.execPath, [program, input]))
  return {
    rangesPerSecond: Math.round((count / said.ms) * 1_000),
    cpuMs: Number((said.cpuMs / count).toFixed(2)),
  }
}

async function runCase(kind: string, records: number, dir: string): Promise<void> {
  const api = await startEventsApi(records)
  const server =
    kind === 'postgres'
      ? await startPostgres({ fsync: true, settings: { autovacuum: 'off' } })
      : null
  rmSync(dir, { recursive: true, force: true })
  try {
    const to: To = server
      ? { type: 'postgres', config: { url: server.url } }
      : { type: 'local_file', config: { path: join(dir, 'files') } }
    const { first, warm } = await engine(dir, api, to)
    const alone = await bare(api, server ? { url: server.url } : { folder: join(dir, 'bare') })
    const toBare = Number((warm.rangesPerSecond / alone.rangesPerSecond).toFixed(2))
    process.stdout.write(
      `${JSON.stringify({ to: kind, records, warm, first, bare: alone, toBare })}\n`,
    )
  } finally {
    await api.close()
    await server?.remove()
  }
}

using home = tempDir('bench-ranges')
for (const kind of values.only.split(',')) {
  if (kind === 'postgres' && !findService('postgres')) continue
  for (const records of [0, 5]) await runCase(kind, records, join(home.path, 'case'))
}
