import t from 'tap'
import { startSimulator } from '../../../actors/simulator/server.ts'
import { dayMs } from '../../../actors/simulator/shop.ts'
import { firstUrl, readShop, signInFor } from './shop-client.ts'

const startMs = Date.UTC(2026, 0, 1)
const nowMs = startMs + 10 * dayMs
const range = { start: startMs + 2 * dayMs, end: startMs + 3 * dayMs }

async function open() {
  const shop = await startSimulator({ seed: 5, startMs, nowMs })
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${shop.url}/_control${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    return { status: response.status, body: await response.json() }
  }
  const ask = async () => {
    const headers = signInFor('orders', shop.apiKey)
    const response = await fetch(firstUrl(shop, 'orders', range), { headers })
    await response.arrayBuffer()
    return response.status
  }
  return { shop, call, ask }
}

t.test('faults come and go', async (t) => {
  const { shop, call, ask } = await open()
  t.teardown(() => shop.close())
  const added = await call('POST', '/faults', { kind: 'status', status: 500, id: 'mine' })
  t.same(added, { status: 200, body: { ids: ['mine'] } })
  t.equal(await ask(), 500)
  t.match((await call('GET', '/faults')).body, {
    faults: [{ fault: { id: 'mine' }, matched: 1, played: 1 }],
  })
  t.same((await call('DELETE', '/faults?id=mine')).body, { faults: [] })
  t.equal(await ask(), 200)
  const many = [
    { kind: 'status', status: 502, times: 1 },
    { kind: 'cut', after_bytes: 5 },
  ]
  t.same((await call('POST', '/faults', many)).body.ids.length, 2)
  t.equal(await ask(), 502)
  t.same((await call('DELETE', '/faults')).body, { faults: [] })
})

t.test('the clock stands, moves and runs', async (t) => {
  const { shop, call } = await open()
  t.teardown(() => shop.close())
  t.same((await call('GET', '/clock')).body, { now_ms: nowMs, frozen: true })
  const today = { start: nowMs, end: nowMs + dayMs }
  const atEdge = await readShop(shop, 'orders', today)
  t.ok(atEdge.length > 0 && atEdge.length < 5, 'only those of this very instant')
  t.same((await call('POST', '/clock', { advance_ms: dayMs })).body.now_ms, nowMs + dayMs)
  t.ok((await readShop(shop, 'orders', today)).length > 100)
  t.same((await call('POST', '/clock', { now_ms: startMs })).body.now_ms, startMs)
  t.equal((await readShop(shop, 'orders', today)).length, 0)
  t.equal((await call('POST', '/clock', { real: true })).body.frozen, false)
  t.ok(shop.nowMs() > nowMs)
})

t.test('the log and the numbers tell what was asked', async (t) => {
  const { shop, call, ask } = await open()
  t.teardown(() => shop.close())
  await call('POST', '/latency', { ms: 20, jitter_ms: 5 })
  await Promise.all([ask(), ask(), ask()])
  const { body } = await call('GET', '/requests')
  t.equal(body.requests.length, 3, 'control calls are not counted')
  t.match(body.requests[0], {
    serial: 1,
    stream: 'orders',
    path: '/v1/orders',
    params: { limit: '50', updated_at_min: new Date(range.start).toISOString() },
    page: 1,
    status: 200,
    fault: null,
  })
  t.same(body.in_flight_high, { all: 3, orders: 3 })
  t.equal((await call('GET', '/requests?after=2')).body.requests.length, 1)
  t.match((await call('GET', '/stats')).body, {
    requests: 3,
    records: 150,
    in_flight: 0,
    streams: { orders: { requests: 3, in_flight_high: 3 } },
  })
  await call('DELETE', '/requests')
  t.equal((await call('GET', '/stats')).body.requests, 0)
})

t.test('a rate limit is set and lifted', async (t) => {
  const { shop, call, ask } = await open()
  t.teardown(() => shop.close())
  await call('POST', '/rate_limit', { requests: 1, per_ms: 3_600_000 })
  t.same([await ask(), await ask()], [200, 429])
  await call('POST', '/rate_limit', null)
  t.equal(await ask(), 200)
})

t.test('nonsense is refused with its reason', async (t) => {
  const { shop, call } = await open()
  t.teardown(() => shop.close())
  const nonsense = [
    ['/faults', { kind: 'earthquake' }],
    ['/faults', { kind: 'status' }],
    ['/faults', { kind: 'status', status: 500, typo: 1 }],
    ['/faults', { kind: 'status', status: 500, path: '(' }],
    ['/clock', { now_ms: 'noon' }],
    ['/latency', { ms: -1 }],
  ] as const
  for (const [path, body] of nonsense) {
    const answer = await call('POST', path, body)
    t.equal(answer.status, 400, JSON.stringify(body))
    t.ok(answer.body.error.message.length > 5)
  }
  t.equal((await call('POST', '/nothing', {})).status, 404)
  const form = await fetch(`${shop.url}/_control/faults`, { method: 'POST', body: '{}' })
  t.equal(form.status, 415, 'a web page could send this')
})
