import { copyFileSync, linkSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { StreamName } from '../../actors/simulator/shop.ts'
import {
  type Derrick,
  type DerrickOptions,
  executable,
  newApiKey,
  spawnDerrick,
  waitUntilReady,
} from '../support/derrick.ts'
import { freePort } from '../support/free-port.ts'
import { type ShopProcess, startShop } from '../support/simulator.ts'
import { type TempDir, tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'
import { ClockLog } from './clock-log.ts'
import { filesBelow, readTable } from './file-records.ts'
import { Judge, type Violation, violation } from './judge.ts'
import { type LedgerRange, readLedger } from './ledger.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
const historyDays = 10
/** The shop's clock begins so far in the past, so that it can be moved on for the whole run without overtaking ours. */
const clockBehindMs = 6 * dayMs
const settledMs = 90_000

/** Both strategies, both granularities, a full read, and a stream whose end can't be asked for. */
const streams: ({ name: StreamName } & Record<string, unknown>)[] = [
  { name: 'orders', sync_strategy: 'newest_first', sync_granularity: 'day' },
  { name: 'events', sync_strategy: 'newest_first', sync_granularity: 'hour' },
  { name: 'customers', sync_strategy: 'oldest_first', sync_granularity: 'day' },
  { name: 'products' },
  { name: 'refunds', sync_strategy: 'oldest_first', sync_granularity: 'day' },
]
export const streamNames = streams.map(({ name }) => name)

const namespace = 'shop'

interface Created {
  id: string
}

/** One Derrick with a data dir of its own; it may live and die many times. */
export class Installation {
  readonly dataDir: string
  readonly #options: DerrickOptions
  readonly #port: number
  streamIds = new Map<StreamName, string>()

  constructor(dataDir: string, port: number, options: Omit<DerrickOptions, 'dataDir'>) {
    mkdirSync(dataDir, { recursive: true })
    this.dataDir = dataDir
    this.#port = port
    const env = { DERRICK_LOG_LEVEL: 'warn', DERRICK_SHUTDOWN_SECONDS: '5', ...options.env }
    this.#options = { apiKey: newApiKey(), ...options, dataDir, env }
  }

  /** Starts the process; it may not answer yet. `under` puts another program before it. */
  spawn(under: string[] = []): Derrick {
    return spawnDerrick({ ...this.#options, under }, this.#port)
  }

  async start(): Promise<Derrick> {
    const derrick = this.spawn()
    await waitUntilReady(derrick)
    return derrick
  }

  ledger(): ReturnType<typeof readLedger> {
    return readLedger(this.dataDir)
  }

  /** Makes source, destination, connection and streams, once. */
  async configure(derrick: Derrick, shop: ShopProcess, folder: string): Promise<void> {
    const create = async (path: string, body: object) =>
      (await derrick.api<Created>('POST', path, body)).id
    await derrick.api('PATCH', '/settings', {
      max_concurrent_syncs: streams.length,
      max_concurrent_syncs_per_source: streams.length,
    })
    const start = new Date(Date.now() - historyDays * dayMs).toISOString().slice(0, 10)
    const source_id = await create('/sources', {
      name: 'shop',
      connector: 'demo_shop',
      config: { base_url: shop.url, api_key: shop.apiKey },
      start_date: start,
    })
    const destination_id = await create('/destinations', {
      name: 'files',
      type: 'local_file',
      config: { path: folder },
    })
    const connection = { name: 'shop', source_id, destination_id, namespace }
    const connection_id = await create('/connections', connection)
    for (const stream of streams) {
      this.streamIds.set(stream.name, await create('/streams', { connection_id, ...stream }))
    }
  }

  async sync(derrick: Derrick): Promise<void> {
    for (const id of this.streamIds.values()) await derrick.api('POST', `/streams/${id}/sync`, {})
  }

  async resync(derrick: Derrick, name: StreamName, fromMs: number, toMs: number): Promise<void> {
    const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()]
    const path = `/streams/${this.streamIds.get(name)}/ranges`
    await derrick.api('POST', path, { action: 'resync', from, to })
  }

  async resyncAll(derrick: Derrick): Promise<void> {
    const now = Date.now()
    for (const name of streamNames) {
      await this.resync(derrick, name, now - (historyDays + 2) * dayMs, now + dayMs)
    }
  }

  /** Resolves when every range is complete; rejects when the process ends before. */
  async settle(derrick: Derrick): Promise<void> {
    const all = await waitFor(
      'all ranges to be complete',
      () => {
        if (!derrick.child.running()) return 'ended'
        const { ranges } = this.ledger()
        const open = ranges.filter(({ status }) => status !== 'complete')
        if (ranges.length > 0 && open.length === 0) return 'complete'
        throw new Error(`${open.length} of ${ranges.length} open: ${JSON.stringify(open[0])}`)
      },
      { withinMs: settledMs, everyMs: 100 },
    )
    if (all === 'ended') throw new Error(`derrick ended: ${derrick.log()}`)
  }
}

/** Source, destination folder, installation and judge of one harness run. */
export interface Scene {
  home: TempDir
  folder: string
  shop: ShopProcess
  clock: ClockLog
  judge: Judge
  main: Installation
  run: DerrickOptions['run']
  /** Moves the source on and stands it still again; nothing may be reading. */
  moveClock(byMs: number): Promise<void>
  /** Looks at destination and ledger as they are. */
  look(of?: Installation): Violation[]
  /** The same after everything came to rest, and that nothing is left of dead attempts. */
  lookAtRest(): Violation[]
  /** That the destination has what the source shows now. */
  lookUpToDate(): Violation[]
  /** Ends the shop; removes everything unless it is to be kept. */
  close(keep?: boolean): Promise<void>
}

export async function openScene(seed: number, run: DerrickOptions['run']): Promise<Scene> {
  const home = tempDir('kill')
  const folder = join(home.path, 'files')
  const startMs = Math.floor(Date.now() / dayMs - historyDays - 2) * dayMs
  const shopMs = Date.now() - clockBehindMs
  const data = {
    seed,
    startMs,
    streams: {
      orders: { perDay: 120 },
      events: { perDay: 250 },
      customers: { perDay: 30 },
      products: { base: 60 },
      refunds: { perDay: 15 },
    },
  }
  const latency = { ms: 4, jitterMs: 4 }
  const shop = await startShop({ ...data, nowMs: shopMs, pageSize: 20, latency })
  const clock = new ClockLog()
  clock.moved(Date.now(), shopMs)
  const judge = new Judge(data, clock)
  const own = ownCopy(run, home.path)
  const main = new Installation(join(home.path, 'data'), await freePort(), { run: own })

  const each = (
    of: Installation,
    rule: (
      name: StreamName,
      ranges: LedgerRange[],
      table: ReturnType<typeof readTable>,
    ) => Violation[],
  ): Violation[] => {
    const { ranges, integrity } = of.ledger()
    const damage = integrity === 'ok' ? [] : [violation('integrity', '', '', integrity)]
    const found = streamNames.flatMap((name) => {
      const own = ranges.filter(({ stream }) => stream === name)
      return rule(name, own, readTable(join(folder, namespace, name)))
    })
    return [...damage, ...found]
  }
  return {
    home,
    folder,
    shop,
    clock,
    judge,
    main,
    run: own,
    async moveClock(byMs) {
      const next = Math.min(clock.now() + byMs, Date.now() - hourMs)
      await shop.freeze(next)
      clock.moved(Date.now(), next)
    },
    look: (of = main) => each(of, (...args) => judge.stream(...args)),
    lookAtRest: () => [
      ...each(main, (...args) => judge.atRest(...args)),
      ...leftovers(folder, main.dataDir),
    ],
    lookUpToDate: () => each(main, (...args) => judge.upToDate(...args)),
    async close(keep = false) {
      await shop.stop()
      if (!keep) home.remove()
    },
  }
}

/** The executable by a name of its own, so that a build in the middle of a run does not exchange it. */
function ownCopy(run: DerrickOptions['run'], folder: string): DerrickOptions['run'] {
  if (run === 'source' || run === undefined) return run
  const from = run === 'executable' ? executable : run.file
  const file = join(folder, 'derrick')
  try {
    linkSync(from, file)
  } catch {
    // Another file system, or one without links.
    copyFileSync(from, file)
  }
  return { file }
}

/** Temporary files at the destination, spool files in the data dir. */
function leftovers(folder: string, dataDir: string): Violation[] {
  const temporary = filesBelow(folder).filter((file) => /\.tmp$|\/\.derrick-/.test(file))
  const spooled = filesBelow(join(dataDir, 'spool'))
  return [...temporary, ...spooled].map((file) => violation('leftover', '', '', file))
}
