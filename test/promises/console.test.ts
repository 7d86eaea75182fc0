/**
 * P35: what the console shows is what is so, also after its connection broke again and again and the server was killed. The
 * console's own feed, over a real connection: `node test/promises/console.test.ts --cuts 60` for longer.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import t, { type Test } from 'tap'
import { EventSource } from 'undici'
import type { ServerEvent } from '../../schema/event.ts'
import type { Range } from '../../schema/range.ts'
import type { Run } from '../../schema/run.ts'
import { LiveFeed } from '../../web/live-feed.ts'
import { type Derrick, newApiKey, spawnDerrick, waitUntilReady } from '../support/derrick.ts'
import { freePort } from '../support/free-port.ts'
import { createConnection, createFiles, createShopSource } from '../support/setup.ts'
import { startShop } from '../support/simulator.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

const { values } = parseArgs({ options: { cuts: { type: 'string', default: '2' } } })
const cuts = Number(values.cuts)
t.setTimeout(60_000 + cuts * 20_000)
const dayMs = 86_400_000
const hourMs = 3_600_000
/** The connection breaks in the middle of things. */
const toldBefore = 5

/** What somebody who watches knows: read once, then only told. */
class Watcher {
  readonly ranges = new Map<string, unknown>()
  readonly runs = new Map<string, unknown>()
  told = 0
  reads = 0
  readonly #read: () => Promise<{ ranges: Range[]; runs: Run[] }>

  constructor(read: () => Promise<{ ranges: Range[]; runs: Run[] }>) {
    this.#read = read
  }

  take(event: ServerEvent): void {
    if (event.topic === 'resync') return void this.readAnew().catch(() => {})
    if (event.topic === 'range') this.ranges.set(event.data.id, ofRange(event.data))
    if (event.topic === 'run') this.runs.set(event.data.id, ofRun(event.data))
    this.told += 1
  }

  /** As the console does when it is told that it missed something; what comes meanwhile is newer. */
  async readAnew(): Promise<void> {
    this.ranges.clear()
    this.runs.clear()
    const { ranges, runs } = await this.#read()
    this.reads += 1
    for (const range of ranges) {
      if (!this.ranges.has(range.id)) this.ranges.set(range.id, ofRange(range))
    }
    for (const run of runs) if (!this.runs.has(run.id)) this.runs.set(run.id, ofRun(run))
  }

  shows(): unknown {
    return { ranges: sorted(this.ranges), runs: sorted(this.runs) }
  }
}

const ofRange = ({ status, records, attempt, committed_at, sealed, error }: Range): unknown => ({
  ...{ status, records, attempt, committed_at, sealed, error },
})
const ofRun = ({ status, records, ranges, finished_at }: Run): unknown => ({
  ...{ status, records, ranges, finished_at },
})
const sorted = (map: Map<string, unknown>): [string, unknown][] =>
  [...map].sort(([a], [b]) => a.localeCompare(b))

async function openScene(t: Test) {
  const home = tempDir('console')
  const startMs = Math.floor(Date.now() / hourMs) * hourMs - dayMs
  const shop = await startShop({ seed: 3, startMs: startMs - dayMs, latency: { ms: 150 } })
  const port = await freePort()
  const apiKey = newApiKey()
  const options = { dataDir: join(home.path, 'data'), apiKey, env: { DERRICK_AUTH_DISABLED: '1' } }
  const start = async (): Promise<Derrick> => {
    const derrick = spawnDerrick(options, port)
    t.teardown(() => derrick.kill9())
    await waitUntilReady(derrick)
    return derrick
  }
  const proxy = await startTcpProxy(port)
  t.teardown(async () => {
    await proxy.close()
    await shop.stop()
    home.remove()
  })
  const derrick = await start()
  const source_id = await createShopSource(derrick, shop, startMs)
  const destination_id = await createFiles(derrick, join(home.path, 'files'))
  const connection = { name: 'shop', source_id, destination_id, namespace: 'shop' }
  const settings = { name: 'events', sync_granularity: 'hour' as const, parallel_ranges: 2 }
  const ids = await createConnection(derrick, connection, [settings])
  return { derrick, start, proxy, stream: ids.get('events') as string }
}

t.test('the feed of the console ends with what is so, whatever breaks on the way', async (t) => {
  const { derrick, start, proxy, stream } = await openScene(t)
  const base = `http://127.0.0.1:${proxy.port}`
  const read = async <T>(path: string): Promise<T[]> => {
    const answer = await fetch(`${derrick.url}/api/v1${path}`)
    return ((await answer.json()) as { data: T[] }).data
  }
  const readAll = async () => ({
    ranges: await read<Range>(`/streams/${stream}/ranges?limit=200`),
    runs: await read<Run>('/runs?limit=200'),
  })
  const watcher = new Watcher(readAll)
  const feed = new LiveFeed({
    open: (url) => new EventSource(base + url) as unknown as globalThis.EventSource,
    emit: (message) => {
      if (message.kind === 'events') for (const event of message.events) watcher.take(event)
    },
    batchMs: 10,
    retryMs: 50,
  })
  t.teardown(() => feed.stop())
  const truth = async () => {
    const expected = new Watcher(readAll)
    await expected.readAnew()
    return expected.shows()
  }
  const isLive = () => waitFor('the feed to be live', () => feed.state.status === 'live')
  const showsTheTruth = async (what: string): Promise<void> => {
    const isSo = async () => JSON.stringify(watcher.shows()) === JSON.stringify(await truth())
    await waitFor(what, isSo, { withinMs: 10_000, everyMs: 100 }).catch(() => {})
    t.same(watcher.shows(), await truth(), what)
  }
  const isOver = async () => (await read<Run>('/runs')).every((run) => run.finished_at !== null)

  const begin = async (path: string, body: object): Promise<void> => {
    const before = watcher.told
    await derrick.api('POST', `/streams/${stream}/${path}`, body)
    await waitFor('first events of it', () => watcher.told >= before + toldBefore)
  }
  const again = () => begin('ranges', { action: 'resync', from: null })

  feed.start()
  await isLive()
  for (let cut = 1; cut <= cuts; cut++) {
    await (cut === 1 ? begin('sync', {}) : again())
    proxy.killAll()
    // Much goes on until the browser comes back, and none of it is said again by what comes later.
    await waitFor('the run to end', isOver, { withinMs: 60_000, everyMs: 100 })
    await isLive()
    await showsTheTruth(`after cut ${cut}`)
  }
  t.equal(watcher.reads, 0, 'all of it was told: nothing had to be read anew')
  t.ok(watcher.ranges.size >= 24, `${watcher.ranges.size} ranges`)

  await again()
  await derrick.kill9()
  await start()
  await isLive()
  await waitFor('the run to end', isOver, { withinMs: 60_000, everyMs: 100 })
  await showsTheTruth('after the server was killed')
  t.ok(watcher.reads > 0, 'it was told that it missed something')
})
