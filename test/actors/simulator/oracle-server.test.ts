import t from 'tap'
import { expectedAll, expectedRecords } from '../../../actors/simulator/oracle.ts'
import { startSimulator } from '../../../actors/simulator/server.ts'
import { dayMs, hourMs, type StreamName, streamNames } from '../../../actors/simulator/shop.ts'
import { readShop } from './shop-client.ts'

const startMs = Date.UTC(2026, 0, 1)
const nowMs = startMs + 20 * dayMs + 12_345_678
const options = {
  seed: 11,
  startMs,
  nowMs,
  streams: { orders: { perDay: 120 }, events: { perDay: 400 } },
}

const day = (n: number) => ({ start: startMs + n * dayMs, end: startMs + (n + 1) * dayMs })
const hour = (n: number) => ({ start: startMs + n * hourMs, end: startMs + (n + 1) * hourMs })
const windows = [
  day(0),
  day(9),
  day(20), // still running
  day(19),
  { start: day(3).start, end: day(8).end },
  hour(0),
  hour(9 * 24 + 23),
  hour(9 * 24 + 13),
  { start: day(40).start, end: day(41).end }, // not begun
  { start: startMs - 3 * dayMs, end: startMs }, // before the shop
  { start: day(5).start + 17_000, end: day(5).start + 18_000 },
]

const sorted = (texts: string[]): string[] => [...texts].sort()

t.test('every stream and window over HTTP is what the oracle says', async (t) => {
  const shop = await startSimulator(options)
  t.teardown(() => shop.close())
  for (const stream of streamNames.filter((name) => name !== 'products')) {
    for (const window of windows) {
      const expected = expectedRecords(options, stream, window, nowMs).map(({ json }) => json)
      for (const pageSize of [1000, 7]) {
        const got = await readShop(shop, stream, window, { pageSize })
        const label = `${stream} ${new Date(window.start).toISOString()} by ${pageSize}`
        t.same(sorted(got), sorted(expected), label)
      }
    }
  }
})

t.test('a full read is everything, and every window shows something of it', async (t) => {
  const shop = await startSimulator(options)
  t.teardown(() => shop.close())
  for (const stream of streamNames) {
    const expected = expectedAll(options, stream, nowMs).map(({ json }) => json)
    t.ok(expected.length > 100, `${stream} has ${expected.length} records`)
    const got = await readShop(shop, stream, null, { pageSize: 200 })
    t.same(sorted(got), sorted(expected), stream)
  }
})

t.test(
  'a standing clock keeps the source as it is; moving it changes what oracle and server say',
  async (t) => {
    const shop = await startSimulator(options)
    t.teardown(() => shop.close())
    const range = { start: day(18).start, end: day(23).end }
    for (const stream of ['orders', 'events', 'customers', 'refunds'] as StreamName[]) {
      shop.moveClock({ now_ms: nowMs })
      const before = await readShop(shop, stream, range)
      t.same(await readShop(shop, stream, range), before, `${stream} stands still`)
      for (const step of [1, 999, 60_000, 5 * hourMs, 2 * dayMs]) {
        shop.moveClock({ advance_ms: step })
        const expected = expectedRecords(options, stream, range, shop.nowMs())
        const got = await readShop(shop, stream, range)
        t.same(sorted(got), sorted(expected.map(({ json }) => json)), `${stream} after ${step} ms`)
      }
      shop.moveClock({ now_ms: nowMs })
      t.same(await readShop(shop, stream, range), before, `${stream} goes back`)
    }
  },
)

t.test('a token goes on at its place when records before it have moved away', async (t) => {
  const shop = await startSimulator(options)
  t.teardown(() => shop.close())
  const range = day(19)
  const keys = (asOf: number) =>
    expectedRecords(options, 'orders', range, asOf).map(({ key }) => key)
  const query = `updated_at_min=${new Date(range.start).toISOString()}&updated_at_max=${new Date(range.end).toISOString()}&limit=20`
  const headers = { authorization: `Bearer ${shop.apiKey}` }
  const first = await (await fetch(`${shop.url}/v1/orders?${query}`, { headers })).json()
  shop.moveClock({ advance_ms: 2 * dayMs })
  const rest = await fetch(`${shop.url}/v1/orders?${query}&page_token=${first.next_page_token}`, {
    headers,
  })
  const second = await rest.json()
  const left = keys(shop.nowMs())
  const lastKey = String(first.orders.at(-1).id)
  const before = keys(nowMs)
  const beyond = left.filter((key) => before.indexOf(key) > before.indexOf(lastKey))
  t.same(
    second.orders.map(({ id }: { id: number }) => String(id)),
    beyond.slice(0, 20),
  )
  t.ok(left.length < before.length, 'some orders did move to a later window')
})
