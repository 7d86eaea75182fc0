import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import type { Fault } from '../../../actors/simulator/fault.ts'
import { hostileKey, hostileRecord, hostileVariants } from '../../../actors/simulator/hostile.ts'
import { type Simulator, startSimulator } from '../../../actors/simulator/server.ts'
import { dayMs } from '../../../actors/simulator/shop.ts'
import { firstUrl, readShop, recordTexts, signInFor } from './shop-client.ts'

const startMs = Date.UTC(2026, 0, 1)
const nowMs = startMs + 10 * dayMs
const range = { start: startMs + 2 * dayMs, end: startMs + 3 * dayMs }
const options = { seed: 5, startMs, nowMs, streams: { events: { perDay: 300 } } }

interface Raw {
  status: number
  headers: Record<string, unknown>
  body: Buffer
  /** the connection broke before the answer was whole */
  broken: boolean
}

/** One request without any decoding or repeating, as the wire has it. */
async function raw(url: string, headers: Record<string, string>): Promise<Raw> {
  const request = httpRequest(url, { headers, agent: false })
  request.end()
  let response: import('node:http').IncomingMessage
  try {
    ;[response] = await once(request, 'response')
  } catch {
    return { status: 0, headers: {}, body: Buffer.alloc(0), broken: true }
  }
  const chunks: Buffer[] = []
  let broken = false
  try {
    for await (const chunk of response) chunks.push(chunk)
  } catch {
    broken = true
  }
  const { statusCode: status = 0, headers: got } = response
  return { status, headers: got, body: Buffer.concat(chunks), broken: broken || !response.complete }
}

const ask = (shop: Simulator, stream: 'orders' | 'events' = 'orders') =>
  raw(firstUrl(shop, stream, range), signInFor(stream, shop.apiKey))

async function withFault(fault: Fault, use: (shop: Simulator) => Promise<void>): Promise<void> {
  const shop = await startSimulator({ ...options, faults: [fault] })
  try {
    await use(shop)
  } finally {
    await shop.close()
  }
}

t.test('status: any answer with any headers, as often as told, then the truth', (t) =>
  withFault(
    { kind: 'status', status: 503, headers: { 'Retry-After': '7' }, stream: 'orders', times: 2 },
    async (shop) => {
      for (const _ of [1, 2]) {
        const { status, headers } = await ask(shop)
        t.match({ status, headers }, { status: 503, headers: { 'retry-after': '7' } })
      }
      t.equal((await ask(shop)).status, 200)
      t.equal((await ask(shop, 'events')).status, 200, 'other streams are left alone')
      t.match(shop.faults(), [{ matched: 3, played: 2 }])
      t.equal(shop.requests()[0]?.fault, 'fault_1')
    },
  ),
)

t.test('skip, page and window choose the request', async (t) => {
  const shop = await startSimulator(options)
  t.teardown(() => shop.close())
  shop.addFault({ kind: 'status', status: 500, stream: 'orders', page: 3, times: 1 })
  await t.rejects(readShop(shop, 'orders', range, { pageSize: 20 }), /500/)
  t.equal(shop.requests().length, 3)
  t.ok((await readShop(shop, 'orders', range, { pageSize: 20 })).length > 60)
  shop.clearFaults()
  shop.addFault({ kind: 'status', status: 500, contains_ms: range.start })
  await t.rejects(readShop(shop, 'events', range))
  t.ok(await readShop(shop, 'events', { start: range.end, end: range.end + dayMs }))
  shop.clearFaults()
  shop.addFault({ kind: 'status', status: 500, skip: 2, times: 1 })
  const statuses = []
  for (const _ of [1, 2, 3, 4]) statuses.push((await ask(shop)).status)
  t.same(statuses, [200, 200, 500, 200])
})

t.test('probability is drawn from the seed', async (t) => {
  const play = async (): Promise<number[]> => {
    const statuses: number[] = []
    await withFault({ kind: 'status', status: 500, probability: 0.3 }, async (shop) => {
      for (let n = 0; n < 40; n += 1) statuses.push((await ask(shop)).status)
    })
    return statuses
  }
  const first = await play()
  t.same(await play(), first)
  const failed = first.filter((status) => status === 500).length
  t.ok(failed > 3 && failed < 25, `${failed} of 40`)
})

t.test('cut: before the headers and in the body', async (t) => {
  await withFault({ kind: 'cut', after_bytes: 0 }, async (shop) => {
    t.match(await ask(shop), { status: 0, broken: true })
  })
  await withFault({ kind: 'cut', after_bytes: 1000 }, async (shop) => {
    const { status, body, broken } = await ask(shop)
    t.match({ status, bytes: body.length, broken }, { status: 200, bytes: 1000, broken: true })
  })
})

t.test('stall: silence before the headers or amid the body', async (t) => {
  await withFault({ kind: 'stall', where: 'headers' }, async (shop) => {
    const hung = ask(shop)
    while (shop.faults()[0]?.played === 0) await new Promise(setImmediate)
    t.match(await Promise.race([hung, 'silence']), 'silence')
    await shop.close()
    t.match(await hung, { broken: true })
  })
  await withFault({ kind: 'stall', where: 'body' }, async (shop) => {
    const request = httpRequest(firstUrl(shop, 'orders', range), {
      headers: signInFor('orders', shop.apiKey),
      agent: false,
    })
    request.end()
    const [response] = await once(request, 'response')
    const [chunk] = await once(response, 'data')
    t.ok(chunk.length < Number(response.headers['content-length']))
    t.equal(shop.stats().inFlight, 1)
    request.destroy()
    while (shop.stats().inFlight > 0) await new Promise(setImmediate)
  })
  await withFault({ kind: 'stall', where: 'body', ms: 20 }, async (shop) => {
    t.match(await ask(shop), { status: 200, broken: false }, 'the rest comes in the end')
  })
})

t.test('slow: the same bytes, in slices', (t) =>
  withFault({ kind: 'slow', delay_ms: 5, bytes_per_second: 400_000, times: 1 }, async (shop) => {
    const slow = await ask(shop)
    t.same(slow.body, (await ask(shop)).body)
    t.notOk(slow.broken)
  }),
)

t.test('malformed: whole answers that are not what they should be', async (t) => {
  const malformed = async (how: Extract<Fault, { kind: 'malformed' }>['how']): Promise<Raw> => {
    let got: Raw | undefined
    await withFault({ kind: 'malformed', how }, async (shop) => {
      got = await ask(shop)
    })
    return got as Raw
  }
  const truncated = await malformed('truncated')
  t.notOk(truncated.broken)
  t.throws(() => JSON.parse(truncated.body.toString()))
  t.match(await malformed('html'), { status: 200, headers: { 'content-type': 'text/html' } })
  t.equal((await malformed('empty')).body.length, 0)
  t.equal((await malformed('not_an_object')).body.toString(), '"maintenance"')
  const { body } = await malformed('invalid_utf8')
  t.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(body))
  await withFault({ kind: 'malformed', how: 'wrong_length' }, async (shop) => {
    const headers = signInFor('orders', shop.apiKey)
    const response = await fetch(firstUrl(shop, 'orders', range), { headers })
    await t.rejects(response.json(), 'the length says less than there is')
  })
})

t.test('lying_count, repeat_page and foreign_next: paging that leads astray', async (t) => {
  const shop = await startSimulator(options)
  t.teardown(() => shop.close())
  const get = async (url: string, stream: 'orders' | 'events' | 'products' | 'customers') =>
    (await fetch(url, { headers: signInFor(stream, shop.apiKey) })).json()
  const productsUrl = firstUrl(shop, 'products', null)
  const { total } = await get(productsUrl, 'products')
  shop.addFault({ kind: 'lying_count', delta: 1000 })
  t.equal((await get(productsUrl, 'products')).total, total + 1000)
  t.match(await get(firstUrl(shop, 'orders', range, 500), 'orders'), {
    has_more: true,
    next_page_token: null,
  })
  shop.clearFaults()

  shop.addFault({ kind: 'repeat_page', stream: 'orders' })
  shop.addFault({ kind: 'repeat_page', stream: 'customers' })
  const url = firstUrl(shop, 'orders', range, 20)
  const { next_page_token: token } = await get(url, 'orders')
  const second = await get(`${url}&page_token=${token}`, 'orders')
  t.equal(second.next_page_token, token, 'the token leads to itself')
  const wholeShop = firstUrl(shop, 'customers', null)
  const [one, two] = [
    await get(wholeShop, 'customers'),
    await get(`${wholeShop}&page=2`, 'customers'),
  ]
  t.same(two.results, one.results, 'page 2 is page 1')
  shop.clearFaults()

  shop.addFault({ kind: 'foreign_next', origin: 'http://elsewhere.example' })
  const { links } = await get(firstUrl(shop, 'events', range, 20), 'events')
  t.match(links.next, /^http:\/\/elsewhere\.example\/v1\/events\?/)
})

t.test('hostile: records as announced, beside all the honest ones', async (t) => {
  const shop = await startSimulator(options)
  t.teardown(() => shop.close())
  const honest = await readShop(shop, 'orders', range, { pageSize: 20 })
  const variants = hostileVariants.filter((v) => v !== 'duplicate' && v !== 'not_an_object')
  shop.addFault({ kind: 'hostile', records: [...variants], page: 1, times: 1 })
  shop.addFault({ kind: 'hostile', records: ['duplicate'], page: 2, times: 1 })
  const got = await readShop(shop, 'orders', range, { pageSize: 20 })
  for (const variant of variants) {
    const atMs = variant === 'outside' ? range.start - 3_600_000 : range.start
    const text = hostileRecord('orders', variant, atMs)
    t.ok(got.includes(text), variant)
    const key = hostileKey('orders', variant)
    t.equal(key === null ? null : String(JSON.parse(text).id), key)
  }
  const seams = got.filter((text, n) => got.indexOf(text) !== n)
  t.same(seams, [honest[19]], 'one record is on both sides of a seam')
  t.same(new Set(got.filter((text) => honest.includes(text))), new Set(honest))
})

t.test('gzip bombs are small on the wire and huge when unpacked', async (t) => {
  await withFault({ kind: 'gzip_bomb', megabytes: 20 }, async (shop) => {
    const { headers, body } = await ask(shop)
    t.equal(headers['content-encoding'], 'gzip')
    t.ok(body.length < 40_000)
    const unpacked = gunzipSync(body)
    t.ok(unpacked.length > 20 * 1024 * 1024)
    t.same(JSON.parse(unpacked.toString()), { blank: 1 })
  })
  await withFault({ kind: 'gzip_bomb', megabytes: 100, layers: 2 }, async (shop) => {
    const { headers, body } = await ask(shop)
    t.equal(headers['content-encoding'], 'gzip, gzip')
    t.ok(body.length < 4000)
    t.equal(recordTexts('[{"a":[1]},{}]').length, 2)
    t.ok(gunzipSync(gunzipSync(body)).length > 100 * 1024 * 1024)
  })
})
