/** A stream without windows is read whole: killed in the middle, it goes on where it was. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { expectedAll } from '../../actors/simulator/oracle.ts'
import { canonicalRecord } from '../kill/canonical.ts'
import { readTable } from '../kill/file-records.ts'
import { newApiKey, startDerrick } from '../support/derrick.ts'
import { createConnection, createFiles, createShopSource, syncToEnd } from '../support/setup.ts'
import { startShop } from '../support/simulator.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(300_000)
const dayMs = 86_400_000

t.test('a kill at three quarters of a full read costs less than a quarter', async (t) => {
  using home = tempDir('resume')
  const nowMs = Date.now() - dayMs
  const shop = await startShop({
    seed: 9,
    startMs: nowMs - 20 * dayMs,
    nowMs,
    streams: { products: { base: 400 } },
    latency: { ms: 20 },
  })
  t.teardown(() => shop.stop())
  const manifest = readFileSync(
    join(import.meta.dirname, '../../manifests/demo_shop.yaml'),
    'utf8',
  ).replace(
    'paging: {type: offset, name: offset, total: total, size: {name: limit, value: 100}}',
    'paging: {type: offset, name: offset, resumable: true, total: total, size: {name: limit, value: 4}}',
  )
  writeFileSync(join(home.path, 'demo_shop.yaml'), manifest)
  const options = {
    dataDir: join(home.path, 'data'),
    env: { DERRICK_MANIFESTS_DIR: home.path },
    apiKey: newApiKey(),
  }
  const offsets = async (): Promise<number[]> => {
    const { requests } = await shop.control<{
      requests: { stream: string; params: Record<string, string> }[]
    }>('GET', '/requests')
    const pages = requests.filter(({ stream }) => stream === 'products')
    return pages.map(({ params }) => Number(params.offset ?? 0))
  }
  const truth = expectedAll(shop.options, 'products', nowMs)
  const first = await startDerrick(options)
  t.teardown(() => first.kill9())
  const source_id = await createShopSource(first, shop, nowMs - 20 * dayMs)
  const folder = join(home.path, 'files')
  const destination_id = await createFiles(first, folder)
  const connection = { name: 'shop', source_id, destination_id, namespace: 'shop' }
  const streams = await createConnection(first, connection, [{ name: 'products' }])
  const products = streams.get('products') as string
  await first.api('POST', `/streams/${products}/sync`, {})
  await waitFor('three quarters', async () => (await offsets()).length >= (truth.length / 4) * 0.75)
  await first.kill9()
  await shop.control('DELETE', '/requests')

  const second = await startDerrick(options)
  t.teardown(() => second.kill9())
  t.match(await syncToEnd(second, products), { status: 'complete' })
  const again = await offsets()
  t.ok(again.length > 0 && again.length < (truth.length / 4) * 0.5, `${again.length} requests`)
  t.ok(Math.min(...again) > truth.length / 2, `the first one at ${again[0]} of ${truth.length}`)
  const table = readTable(join(folder, 'shop', 'products'))
  t.same(table.oddities, [])
  const found = [...table.ranges.values()].flatMap(({ rows }) => rows.map(({ record }) => record))
  t.same(found.sort(), truth.map(({ json }) => canonicalRecord(json)).sort())
  await shop.control('DELETE', '/requests')
  t.match(await syncToEnd(second, products), { status: 'complete' })
  t.equal(Math.min(...(await offsets())), 0, 'the next sync reads all of it')
})
