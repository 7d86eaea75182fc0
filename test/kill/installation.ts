import { mkdirSync } from 'node:fs'
import type { StreamName } from '../../actors/simulator/shop.ts'
import {
  type Derrick,
  type DerrickOptions,
  newApiKey,
  spawnDerrick,
  waitUntilReady,
} from '../support/derrick.ts'
import type { ShopProcess } from '../support/simulator.ts'
import { waitFor } from '../support/wait.ts'
import { openLedger, readLedger } from './ledger.ts'
import { namespace, type Place } from './place.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
export const historyDays = 10
const settledMs = 180_000

/** Both strategies, both granularities, a full read, and a stream whose end can't be asked for. */
const streams: ({ name: StreamName } & Record<string, unknown>)[] = [
  { name: 'orders', sync_strategy: 'newest_first', sync_granularity: 'day' },
  { name: 'events', sync_strategy: 'newest_first', sync_granularity: 'hour' },
  { name: 'customers', sync_strategy: 'oldest_first', sync_granularity: 'day' },
  { name: 'products' },
  { name: 'refunds', sync_strategy: 'oldest_first', sync_granularity: 'day' },
]
export const streamNames = streams.map(({ name }) => name)

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

  ledger(check = true): ReturnType<typeof readLedger> {
    return readLedger(this.dataDir, check)
  }

  isAtRest(): boolean {
    return this.ledger(false).ranges.every(({ status }) => status === 'complete')
  }

  /** Makes source, destination, connection and streams, once. */
  async configure(derrick: Derrick, shop: ShopProcess, place: Place): Promise<void> {
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
      name: 'place',
      type: place.type,
      config: place.config,
    })
    const connection = { name: 'shop', source_id, destination_id, namespace }
    const connection_id = await create('/connections', connection)
    for (const stream of streams) {
      const body = { connection_id, ...stream, ...place.streams[stream.name] }
      this.streamIds.set(stream.name, await create('/streams', body))
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
    using ledger = openLedger(this.dataDir)
    const all = await waitFor(
      'all ranges to be complete',
      () => {
        if (!derrick.child.running()) return 'ended'
        const ranges = ledger.ranges()
        const open = ranges.filter(({ status }) => status !== 'complete')
        if (ranges.length > 0 && open.length === 0) return 'complete'
        const failed = open.filter(({ status }) => status === 'failed')
        const counts = `${open.length} of ${ranges.length} open, ${failed.length} of them failed`
        throw new Error(`${counts}: ${JSON.stringify(failed[0] ?? open[0])}`)
      },
      { withinMs: settledMs, everyMs: 100 },
    )
    if (all === 'ended') throw new Error(`derrick ended: ${derrick.log()}`)
  }
}
