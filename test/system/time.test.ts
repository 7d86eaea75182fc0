/** What the program promises about time: open days by delta, days that settle, windows that are cleared, ages. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { expectedAll } from '../../actors/simulator/oracle.ts'
import type { Stream } from '../../schema/stream.ts'
import { startDerrick } from '../support/derrick.ts'
import { startPostgres } from '../support/postgres.ts'
import { missingServices } from '../support/services.ts'
import { createConnection, createFiles, createShopSource, syncToEnd } from '../support/setup.ts'
import { startShop } from '../support/simulator.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(300_000)

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const needs = { skip: missingServices('postgres') }
/** A zone in which it is neither the first hours of a day nor its last ones. */
const zone = ['UTC', 'Asia/Tokyo', 'America/New_York'].find((name) => {
  const hour = Temporal.Now.zonedDateTimeISO(name).hour
  return hour >= 3 && hour <= 21
}) as string
const today = Temporal.Now.zonedDateTimeISO(zone).startOfDay().epochMilliseconds

interface Asked {
  stream: string
  params: Record<string, string>
}

/** The program with a shop of live time and a database. */
async function openScene(t: Test, { days, manifestsDir }: { days: number; manifestsDir?: string }) {
  const home = tempDir('time')
  const shop = await startShop({
    seed: 3,
    startMs: today - (days + 5) * dayMs,
    streams: { orders: { perDay: 200 }, events: { perDay: 100 } },
  })
  const postgres = await startPostgres()
  const env: Record<string, string> = manifestsDir ? { DERRICK_MANIFESTS_DIR: manifestsDir } : {}
  const derrick = await startDerrick({ dataDir: join(home.path, 'data'), env })
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  t.teardown(async () => {
    await client.end()
    await derrick.kill9()
    await shop.stop()
    await postgres.remove()
    home.remove()
  })
  const source_id = await createShopSource(derrick, shop, today - days * dayMs)
  await derrick.api('PATCH', `/sources/${source_id}`, { timezone: zone })
  const { id: destination_id } = await derrick.api<{ id: string }>('POST', '/destinations', {
    name: 'warehouse',
    type: 'postgres',
    config: { url: postgres.url },
  })
  const asked = async (): Promise<Asked[]> => {
    const { requests } = await shop.control<{ requests: Asked[] }>('GET', '/requests')
    await shop.control('DELETE', '/requests')
    return requests
  }
  const states = async (table: string): Promise<Map<number, string>> => {
    const { rows } = await client.query(
      `select range_start, state from shop._derrick_ranges where table_name = $1`,
      [table],
    )
    return new Map(rows.map((row) => [row.range_start.getTime(), row.state]))
  }
  return { home, shop, derrick, client, source_id, destination_id, asked, states }
}

const connectionOf = (source_id: string, destination_id: string, name = 'shop') => ({
  name,
  source_id,
  destination_id,
  namespace: name,
})

t.test(
  'the open day is read by delta into a database, and in full into files',
  needs,
  async (t) => {
    const { home, shop, derrick, client, asked, ...ids } = await openScene(t, { days: 2 })
    const connection = connectionOf(ids.source_id, ids.destination_id)
    const streams = await createConnection(derrick, connection, [{ name: 'orders', lookback: '0' }])
    const orders = streams.get('orders') as string
    await shop.freeze(Date.now() - hourMs)
    t.match(await syncToEnd(derrick, orders), { status: 'complete' })
    t.equal((await asked()).filter(({ stream }) => stream === 'orders').length > 1, true)
    const second = Date.now()
    await shop.freeze(second)
    t.match(await syncToEnd(derrick, orders), { status: 'complete', ranges: { complete: 1 } })
    const starts = (await asked()).map(({ params }) => Date.parse(params.updated_at_min ?? ''))
    t.ok(starts.length > 0)
    t.ok(
      starts.every((start) => start > today + hourMs && start < second),
      'what came since, and a little before',
    )
    const ledger = await client.query(
      `select sum(rows)::int as rows from shop._derrick_ranges where range_start >= $1`,
      [new Date(today).toISOString()],
    )
    const here = await client.query(
      `select count(*)::int as rows from shop.orders where _derrick_range >= $1`,
      [new Date(today).toISOString()],
    )
    t.equal(ledger.rows[0].rows, here.rows[0].rows, 'the ledger counts what is there')
    // This shop's clock stood still and jumped: what it then had from before the delta comes with a read of all.
    await derrick.api('POST', `/streams/${orders}/ranges`, { action: 'resync', from: null })
    await syncToEnd(derrick, orders)
    const after = await client.query('select count(*)::int as rows from shop.orders')
    const truth = expectedAll(shop.options, 'orders', second).filter(
      ({ atMs }) => atMs >= today - 2 * dayMs,
    )
    t.equal(after.rows[0].rows, truth.length)

    const files = await createFiles(derrick, join(home.path, 'files'))
    const whole = await createConnection(derrick, connectionOf(ids.source_id, files, 'files'), [
      { name: 'orders', lookback: '0' },
    ])
    await syncToEnd(derrick, whole.get('orders') as string)
    await asked()
    await syncToEnd(derrick, whole.get('orders') as string)
    t.ok(
      (await asked()).every(({ params }) => Date.parse(params.updated_at_min ?? '') === today),
      'files are replaced whole',
    )
  },
)

t.test('_derrick_ranges says which days are open, settling and final', needs, async (t) => {
  const { derrick, states, ...ids } = await openScene(t, { days: 40 })
  const connection = connectionOf(ids.source_id, ids.destination_id)
  const streams = await createConnection(derrick, connection, [
    { name: 'orders', lookback: 'until_unchanged', settle: '2h' },
    { name: 'events', lookback: '0' },
  ])
  for (const id of streams.values()) t.match(await syncToEnd(derrick, id), { status: 'complete' })
  const orders = await states('orders')
  t.equal(orders.get(today), 'open')
  t.equal(orders.get(today - 2 * dayMs), 'settling')
  t.equal(orders.get(today - 40 * dayMs), 'final')
  const events = await states('events')
  t.equal(events.get(today), 'open')
  t.equal(events.get(today - dayMs), 'final')
  const id = streams.get('orders') as string
  const shown = await derrick.api<Stream>('PATCH', `/streams/${id}`, { schedule: '0 * * * *' })
  t.ok(Date.parse(shown.next_run_at ?? '') > Date.now() - 1)
})

t.test('a window is cleared, and read again by the next sync', needs, async (t) => {
  const { derrick, client, states, ...ids } = await openScene(t, { days: 5 })
  const connection = connectionOf(ids.source_id, ids.destination_id)
  const streams = await createConnection(derrick, connection, [{ name: 'events', lookback: '0' }])
  const events = streams.get('events') as string
  await syncToEnd(derrick, events)
  const countOf = async (): Promise<number> => {
    const { rows } = await client.query(
      'select count(*)::int as n from shop.events where _derrick_range < $1',
      [new Date(today).toISOString()],
    )
    return rows[0].n
  }
  const before = await countOf()
  const window = {
    from: new Date(today - 4 * dayMs).toISOString(),
    to: new Date(today - 2 * dayMs).toISOString(),
  }
  const act = (more: object) =>
    derrick.api('POST', `/streams/${events}/ranges`, { action: 'clear', ...window, ...more })
  t.same(await act({ dry_run: true }), { matched: 2, run_id: null })
  t.same(await act({}), { matched: 2, run_id: null })
  t.notOk((await states('events')).has(today - 4 * dayMs))
  t.ok((await countOf()) < before)
  t.match(await syncToEnd(derrick, events), { status: 'complete' })
  t.equal(await countOf(), before)
})

t.test('nothing is asked for from before what the source keeps', needs, async (t) => {
  using manifests = tempDir('manifests')
  mkdirSync(manifests.path, { recursive: true })
  const shop = readFileSync(join(import.meta.dirname, '../../manifests/demo_shop.yaml'), 'utf8')
  const aged = shop.replace(
    '      tracks: creation\n',
    '      tracks: creation\n      max_age: 3d\n',
  )
  writeFileSync(join(manifests.path, 'demo_shop.yaml'), aged)
  const scene = await openScene(t, { days: 20, manifestsDir: manifests.path })
  const connection = connectionOf(scene.source_id, scene.destination_id)
  const streams = await createConnection(scene.derrick, connection, [{ name: 'events' }])
  const startedMs = Date.now()
  t.match(await syncToEnd(scene.derrick, streams.get('events') as string), { status: 'complete' })
  const since = (await scene.asked()).flatMap(({ params }) =>
    params.since === undefined ? [] : [Number(params.since) * 1_000],
  )
  t.equal(since.length >= 4, true)
  t.ok(
    since.every((start) => start >= startedMs - 3 * dayMs - 60_000),
    'the oldest day is asked for as far as it is there',
  )
})
