import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Worker } from 'node:worker_threads'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import { request as undiciRequest } from 'undici'
import { demoOptions } from '../../../actors/simulator/options.ts'
import { expectedRecords } from '../../../actors/simulator/oracle.ts'
import { startSimulator } from '../../../actors/simulator/server.ts'
import { dayMs, streamNames } from '../../../actors/simulator/shop.ts'
import { firstUrl, readShop, signInFor } from './shop-client.ts'

const startMs = Date.UTC(2026, 0, 1)
const nowMs = startMs + 10 * dayMs
const range = { start: startMs + 2 * dayMs, end: startMs + 3 * dayMs }
const options = { seed: 5, startMs, nowMs }
const folder = new URL('../../../actors/simulator/', import.meta.url)

async function body(url: string, headers: Record<string, string>) {
  const response = await undiciRequest(url, { headers })
  return {
    status: response.statusCode,
    headers: response.headers,
    bytes: Buffer.from(await response.body.arrayBuffer()),
  }
}

t.test('the same options give the same bytes, also in another process', async (t) => {
  const shop = await startSimulator(options)
  t.teardown(() => shop.close())
  const child = spawn(
    process.execPath,
    [new URL('simulator-process.ts', folder).pathname, JSON.stringify(options)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  t.teardown(() => child.kill())
  const [line] = await once(createInterface(child.stdout), 'line')
  const { url: other, api_key: apiKey } = JSON.parse(line)
  for (const stream of streamNames) {
    const headers = signInFor(stream, apiKey)
    const mine = await body(firstUrl(shop, stream, range, 30), headers)
    const theirs = await body(firstUrl({ url: other, apiKey }, stream, range, 30), headers)
    t.equal(mine.status, 200)
    // URLs in pages name the server that made them
    t.equal(theirs.bytes.toString().replaceAll(other, shop.url), mine.bytes.toString(), stream)
  }
  child.stdin.end()
  const [code] = await once(child, 'exit')
  t.equal(code, 0, 'it goes when its starter does')
})

t.test('the thread says where it listens, serves, and closes when told', async (t) => {
  const worker = new Worker(new URL('simulator-actor.ts', folder), { workerData: options })
  const [message] = await once(worker, 'message')
  t.match(message, { kind: 'listening', url: /^http:\/\/127\.0\.0\.1:\d+$/ })
  const got = await readShop({ url: message.url, apiKey: 'shop_demo_key' }, 'orders', range)
  t.equal(got.length, expectedRecords(options, 'orders', range, nowMs).length)
  worker.postMessage({ kind: 'close' })
  const [code] = await once(worker, 'exit')
  t.equal(code, 0)
})

t.test('the thread knows the shop of the demo', async (t) => {
  const worker = new Worker(new URL('simulator-actor.ts', folder), {
    workerData: { demoSince: nowMs + 1234 },
  })
  const [{ url, apiKey }] = await once(worker, 'message')
  const about = await body(`${url}/v1/shop`, signInFor('orders', apiKey))
  const since = new Date(nowMs - 90 * dayMs).toISOString()
  t.equal(JSON.parse(about.bytes.toString()).since, since)
  worker.postMessage({ kind: 'close' })
  await once(worker, 'exit')
})

t.test('keys: each route wants its own way of signing in', async (t) => {
  const shop = await startSimulator({ ...options, routes: { orders: { signIn: 'any' } } })
  t.teardown(() => shop.close())
  for (const stream of streamNames) {
    const url = firstUrl(shop, stream, range)
    t.equal((await body(url, {})).status, 401, `${stream} without a key`)
    t.equal((await body(url, signInFor(stream, 'wrong'))).status, 401, `${stream} with a wrong one`)
    t.equal((await body(url, signInFor(stream, shop.apiKey))).status, 200)
  }
  const url = firstUrl(shop, 'orders', range)
  t.equal(
    (await body(url, signInFor('products', shop.apiKey))).status,
    200,
    'any way where allowed',
  )
  const events = firstUrl(shop, 'events', range)
  t.equal((await body(events, signInFor('customers', shop.apiKey))).status, 401)
  t.equal((await body(`${shop.url}/v1/shop`, signInFor('orders', shop.apiKey))).status, 200)
})

t.test('what the API does not know it refuses', async (t) => {
  const shop = await startSimulator(options)
  t.teardown(() => shop.close())
  const refused = async (path: string, status: number, code: string) => {
    const stream = path.startsWith('/v1/customers') ? 'customers' : 'orders'
    const answer = await body(shop.url + path, signInFor(stream, shop.apiKey))
    t.equal(answer.status, status, path)
    t.equal(JSON.parse(answer.bytes.toString()).error.code, code)
  }
  await refused('/v1/orders?updated_since=2026-01-01T00:00:00Z', 400, 'unknown_parameter')
  await refused('/v1/orders?limit=5&limit=6', 400, 'repeated_parameter')
  await refused('/v1/orders?updated_at_min=2026-01-01', 400, 'invalid_time')
  await refused('/v1/orders?limit=0', 400, 'invalid_page')
  await refused('/v1/orders?page_token=bm9wZQ', 400, 'invalid_page')
  await refused('/v1/events?since=1767225600.5', 400, 'invalid_time')
  await refused('/v1/customers?modified_after=2026-01-01T00:00:00.001Z', 400, 'invalid_time')
  await refused('/v1/nothing', 404, 'not_found')
  const post = await fetch(`${shop.url}/v1/orders`, { method: 'POST', body: '{}' })
  t.equal(post.status, 405)
})

t.test('pages are compressed when asked', async (t) => {
  const shop = await startSimulator(options)
  t.teardown(() => shop.close())
  const url = firstUrl(shop, 'orders', range)
  const headers = signInFor('orders', shop.apiKey)
  const plain = await body(url, headers)
  t.equal(plain.headers['content-encoding'], undefined)
  const gzip = await body(url, { ...headers, 'accept-encoding': 'gzip' })
  t.same(gunzipSync(gzip.bytes), plain.bytes)
  const zstd = await body(url, { ...headers, 'accept-encoding': 'gzip, zstd;q=0.5' })
  t.same(zstdDecompressSync(zstd.bytes), plain.bytes)
  const refused = await body(url, { ...headers, 'accept-encoding': 'gzip;q=0' })
  t.same(refused.bytes, plain.bytes)
})

t.test('a rate limit answers 429 and says when to come back', async (t) => {
  const shop = await startSimulator({
    ...options,
    rateLimit: { requests: 2, perMs: 3_600_000 },
  })
  t.teardown(() => shop.close())
  const headers = signInFor('orders', shop.apiKey)
  const url = firstUrl(shop, 'orders', range)
  t.match((await body(url, headers)).headers, {
    'x-ratelimit-limit': '2',
    'x-ratelimit-remaining': '1',
    'x-ratelimit-reset': /^\d{10}$/,
  })
  t.equal((await body(url, headers)).status, 200)
  const refused = await body(url, headers)
  t.equal(refused.status, 429)
  const seconds = Number(refused.headers['retry-after'])
  t.ok(seconds > 1700 && seconds <= 1800, `${seconds} s`)
  shop.limitRate({ requests: 1, perMs: 3_600_000, retryAfter: 'date' })
  t.equal((await body(url, headers)).status, 200)
  const dated = await body(url, headers)
  t.ok(Date.parse(String(dated.headers['retry-after'])) > Date.now())
  shop.limitRate(null)
  t.equal((await body(url, headers)).status, 200)
})

t.test('routes can be served differently', async (t) => {
  const shop = await startSimulator({
    ...options,
    routes: {
      orders: {
        path: '/api/sales',
        paging: 'offset',
        recordsAt: 'rows',
        signIn: 'none',
        window: {
          start: 'from',
          end: 'to',
          startIs: 'exclusive',
          endIs: 'inclusive',
          format: 'epoch_ms',
        },
      },
    },
  })
  t.teardown(() => shop.close())
  const expected = expectedRecords(options, 'orders', range, nowMs)
  const query = `from=${range.start - 1}&to=${range.end - 1}&limit=1000`
  const { bytes } = await body(`${shop.url}/api/sales?${query}`, {})
  const { rows, total } = JSON.parse(bytes.toString())
  t.equal(total, expected.length)
  t.same(
    rows.map(({ id }: { id: number }) => String(id)),
    expected.map(({ key }) => key),
  )
  await t.rejects(
    startSimulator({ ...options, routes: { orders: { path: '/_control/x' } } }),
    /path/,
  )
})

t.test('the demo has history, moves every second, and is closed to control', async (t) => {
  const demoNowMs = startMs + 200 * dayMs + 50_000_500
  const demo = demoOptions(demoNowMs - 60_000)
  const shop = await startSimulator({ ...demo, faults: [], nowMs: demoNowMs })
  t.teardown(() => shop.close())
  const headers = signInFor('events', shop.apiKey)
  const url = `${shop.url}/v1/events?since=${Math.floor(demoNowMs / 1000) - 30}&limit=200`
  const count = async () => JSON.parse((await body(url, headers)).bytes.toString()).data.length
  let seen = await count()
  t.ok(seen > 40, `${seen} in half a minute`)
  for (let second = 1; second <= 5; second += 1) {
    shop.moveClock({ advance_ms: 1000 })
    const now = await count()
    t.ok(now > seen, `more after ${second} s`)
    seen = now
  }
  t.equal((await body(`${shop.url}/_control/stats`, {})).status, 401, 'just another path')
})
