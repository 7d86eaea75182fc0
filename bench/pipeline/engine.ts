import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Run } from '../../schema/run.ts'
import { type Derrick, type DerrickOptions, startDerrick } from '../../test/support/derrick.ts'
import { createConnection, runToEnd } from '../../test/support/setup.ts'
import { cpuUsOf, peakRssMbOf } from './process.ts'
import type { Figures, Workload } from './workload.ts'

const builtIn = join(import.meta.dirname, '../../manifests/demo_shop.yaml')
const longestRunMs = 300_000

export type Destination =
  | { type: 'local_file'; config: { path: string; partition?: string } }
  | { type: 'postgres'; config: { url: string } }

export interface Engine {
  derrick: Derrick
  /** reads everything that is due */
  sync(): Promise<Figures>
  /** reads everything again */
  resync(): Promise<Figures>
  stop(): Promise<void>
}

export interface EngineOptions {
  /** a fresh folder for the data dir and the connector */
  dir: string
  workload: Workload
  destination: Destination
  granularity?: 'day' | 'hour'
  run?: DerrickOptions['run']
  env?: Record<string, string>
}

/** The built-in shop with other page sizes, and as many requests at a time as the case wants. */
function writeConnector(folder: string, { pageSize, inFlight }: Workload): void {
  const yaml = readFileSync(builtIn, 'utf8')
    .replace('id: demo_shop', 'id: bench_shop')
    .replaceAll(/(size: \{name: \w+, value: )\d+/g, `$1${pageSize}`)
    .replace(/max_in_flight: \d+/, `max_in_flight: ${inFlight}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'bench_shop.yaml'), yaml)
}

/** Starts the executable with one stream of events, ready to sync. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { dir, workload, destination, granularity = 'day', run, env } = options
  const manifests = join(dir, 'manifests')
  writeConnector(manifests, workload)
  const derrick = await startDerrick({
    dataDir: join(dir, 'data'),
    run: run ?? 'executable',
    env: { ...env, DERRICK_MANIFESTS_DIR: manifests, DERRICK_LOG_LEVEL: 'warn' },
  })
  const from = new Date(workload.ranges[0]?.start ?? 0).toISOString()
  const to = new Date(workload.ranges.at(-1)?.end ?? 0).toISOString()
  const made = async (path: string, body: unknown) =>
    (await derrick.api<{ id: string }>('POST', path, body)).id
  const source = await made('/sources', {
    name: 'shop',
    connector: 'bench_shop',
    config: { base_url: workload.shop.url, api_key: workload.shop.apiKey },
    start_date: from,
  })
  const target = await made('/destinations', { name: 'target', ...destination })
  const connection = {
    name: 'bench',
    source_id: source,
    destination_id: target,
    namespace: 'bench',
  }
  const stream = {
    name: 'events',
    sync_granularity: granularity,
    parallel_ranges: workload.inFlight,
  }
  const streams = await createConnection(derrick, connection, [stream])
  const id = streams.get('events') as string
  // The first job starts the workers; the other contestants' own start is left out as well.
  await derrick.api('POST', `/sources/${source}/check`, {})
  await derrick.api('POST', `/destinations/${target}/check`, {})

  const measure = async (start: () => Promise<string>): Promise<Figures> => {
    const cpu = cpuUsOf(derrick.child.pid)
    const done = await runToEnd(derrick, await start(), longestRunMs)
    if (done.status !== 'complete') throw new Error(`the run ended ${JSON.stringify(done)}`)
    return figuresOf(done, cpuUsOf(derrick.child.pid) - cpu, derrick.child.pid)
  }
  return {
    derrick,
    sync: () => measure(() => made(`/streams/${id}/sync`, {})),
    resync: () =>
      measure(async () => {
        const body = { action: 'resync', from, to }
        const path = `/streams/${id}/ranges`
        return (await derrick.api<{ run_id: string }>('POST', path, body)).run_id
      }),
    stop: async () => void (await derrick.stop()),
  }
}

function figuresOf(run: Run, cpuUs: number, pid: number): Figures {
  const ms = Date.parse(run.finished_at ?? '') - Date.parse(run.started_at ?? '')
  return { records: run.records, ms, cpuUs, peakRssMb: peakRssMbOf(pid), bytes: run.bytes }
}
