/** Order and parallelism decide when data arrive, never which. */
import { join } from 'node:path'
import t from 'tap'
import { expectedAll } from '../../actors/simulator/oracle.ts'
import type { StreamName } from '../../actors/simulator/shop.ts'
import { canonicalRecord } from '../kill/canonical.ts'
import { readTable } from '../kill/file-records.ts'
import { startDerrick } from '../support/derrick.ts'
import { createConnection, createFiles, createShopSource, syncToEnd } from '../support/setup.ts'
import { startShop } from '../support/simulator.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(300_000)

const dayMs = 86_400_000
// The ranges that are planned end with the real clock; the shop stood still two days before.
const nowMs = Date.now() - 2 * dayMs
const startMs = Math.floor(nowMs / dayMs) * dayMs - 9 * dayMs
const names: StreamName[] = ['orders', 'events', 'customers']

const ways = [
  { name: 'newest', sync_strategy: 'newest_first', parallel_ranges: 1 },
  { name: 'oldest', sync_strategy: 'oldest_first', parallel_ranges: 1 },
  { name: 'parallel', sync_strategy: 'newest_first', parallel_ranges: 8 },
  { name: 'hourly', sync_strategy: 'oldest_first', parallel_ranges: 8, sync_granularity: 'hour' },
] as const

t.test(
  'newest first, oldest first and several ranges at once end in the same content',
  async (t) => {
    using home = tempDir('same-content')
    const options = {
      seed: 5,
      startMs: startMs - 10 * dayMs,
      nowMs,
      streams: { events: { perDay: 300 }, orders: { perDay: 60 } },
    }
    const shop = await startShop(options)
    t.teardown(() => shop.stop())
    const derrick = await startDerrick({ dataDir: join(home.path, 'data') })
    t.teardown(() => derrick.kill9())
    const source_id = await createShopSource(derrick, shop, startMs)
    const folder = join(home.path, 'files')
    const destination_id = await createFiles(derrick, folder)
    const contents = new Map<string, string>()
    for (const { name, ...way } of ways) {
      const connection = { name, source_id, destination_id, namespace: name }
      const streams = names.map((stream) => ({ name: stream, ...way }))
      const ids = await createConnection(derrick, connection, streams)
      const runs = await Promise.all([...ids.values()].map((id) => syncToEnd(derrick, id)))
      t.same(
        runs.map((run) => run.status),
        names.map(() => 'complete'),
        name,
      )
      for (const stream of names) {
        const table = readTable(join(folder, name, stream))
        t.same(table.oddities, [])
        const records = [...table.ranges.values()]
          .flatMap((range) => range.rows.map((row) => row.record))
          .sort()
        contents.set(`${name}/${stream}`, JSON.stringify(records))
      }
    }
    for (const stream of names) {
      const truth = expectedAll(shop.options, stream, nowMs)
        .filter(({ atMs }) => atMs >= startMs)
        .map(({ json }) => canonicalRecord(json))
        .sort()
      t.ok(truth.length > 50, `${stream}: ${truth.length} records`)
      for (const { name } of ways) {
        t.ok(
          contents.get(`${name}/${stream}`) === JSON.stringify(truth),
          `${name}/${stream} is the source's content`,
        )
      }
    }
  },
)
