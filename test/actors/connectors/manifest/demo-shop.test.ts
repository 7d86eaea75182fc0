import { readFileSync } from 'node:fs'
import t from 'tap'
import { systemClock } from '../../../../actors/connectors/manifest/sleep.ts'
import type { Fault } from '../../../../actors/simulator/fault.ts'
import { expectedAll, expectedRecords } from '../../../../actors/simulator/oracle.ts'
import { startSimulator } from '../../../../actors/simulator/server.ts'
import { streamNames } from '../../../../actors/simulator/shop.ts'
import { loadManifest } from '../../../../schema/manifest/load.ts'
import { failureOf, jumpingClock, readAll } from '../test-api.ts'

const file = new URL('../../../../manifests/demo_shop.yaml', import.meta.url)
const { manifest } = loadManifest(readFileSync(file, 'utf8'), 'demo_shop.yaml')
if (!manifest) throw new Error('the demo manifest does not load')

const dayMs = 86_400_000
const start = Date.UTC(2026, 0, 1)
const now = start + 10 * dayMs
const options = {
  startMs: start,
  nowMs: now,
  streams: {
    orders: { perDay: 150 },
    events: { perDay: 400 },
    customers: { perDay: 30 },
    refunds: { perDay: 25 },
  },
}
const shop = await startSimulator(options)
t.teardown(() => shop.close())
const config = { base_url: shop.url, api_key: shop.apiKey }

const read = (
  stream: string,
  window: { start: number; end: number } | null,
  faults: Fault[] = [],
) => {
  shop.clearFaults()
  for (const fault of faults) shop.addFault(fault)
  return readAll({ manifest, stream, config, window, clock: jumpingClock(now) })
}

t.test(
  'ranges of any size give what the shop holds, each record once and to the letter',
  async (t) => {
    const cuts = [start]
    while ((cuts.at(-1) as number) < now) cuts.push((cuts.at(-1) as number) + dayMs / 2 + 777_000)
    cuts[cuts.length - 1] = now
    for (const stream of streamNames) {
      if (stream === 'products') continue
      const expected = expectedRecords(options, stream, { start, end: now }, now)
        .map(({ json }) => json)
        .sort()
      t.ok(expected.length > 50, `${stream}: ${expected.length}`)
      const texts = (records: unknown[]) => records.map((record) => JSON.stringify(record))
      const whole = await read(stream, { start, end: now })
      t.same(texts(whole.records).sort(), expected, stream)
      const parts: string[] = []
      for (const [at, from] of cuts.slice(0, -1).entries()) {
        const { records } = await read(stream, { start: from, end: cuts[at + 1] as number })
        parts.push(...texts(records))
      }
      t.same(parts.sort(), expected, `${stream} in parts`)
    }
    const all = expectedAll(options, 'products', now).map(({ json }) => json)
    const { records } = await read('products', null)
    t.same(records.map((record) => JSON.stringify(record)).sort(), all.sort())
  },
)

t.test(
  'faults that pass are invisible, those that stay are failures and never less data',
  async (t) => {
    const window = { start, end: now }
    const honest = (await read('orders', window)).records
    const passing: Fault[] = [
      { kind: 'status', status: 500, page: 2, times: 2 },
      { kind: 'status', status: 429, page: 3, times: 1, headers: { 'retry-after': '1' } },
      { kind: 'cut', page: 1, times: 1, after_bytes: 0 },
      { kind: 'cut', page: 2, times: 1, after_bytes: 500 },
      { kind: 'malformed', how: 'truncated', page: 4, times: 1 },
      { kind: 'malformed', how: 'empty', page: 5, times: 1 },
      { kind: 'malformed', how: 'wrong_length', page: 6, times: 1 },
    ]
    for (const fault of passing) {
      const { records } = await read('orders', window, [fault])
      t.same(records, honest, JSON.stringify(fault))
    }
    const staying: [Fault, RegExp][] = [
      [{ kind: 'status', status: 500 }, /^network http.status_500$/],
      [{ kind: 'status', status: 401 }, /^auth http.status_401$/],
      [{ kind: 'status', status: 403 }, /^auth http.status_403$/],
      [{ kind: 'status', status: 404, page: 3 }, /^unknown http.status_404$/],
      [{ kind: 'malformed', how: 'html', page: 2 }, /^transform json.html$/],
      [{ kind: 'malformed', how: 'not_an_object', page: 2 }, /^transform records\./],
      [{ kind: 'malformed', how: 'truncated', page: 2 }, /^network json.cut$/],
      [{ kind: 'cut', after_bytes: 100 }, /^network /],
      [{ kind: 'repeat_page', page: 2 }, /^transform paging.loop$/],
      [{ kind: 'gzip_bomb', megabytes: 200 }, /^transform http.body_too_large$/],
      [{ kind: 'gzip_bomb', megabytes: 200, layers: 2 }, /^transform http.encoding_unsupported$/],
    ]
    for (const [fault, expected] of staying) {
      const { category, code, message } = await failureOf(read('orders', window, [fault]))
      t.match(`${category} ${code}`, expected, JSON.stringify(fault))
      t.notMatch(message, shop.apiKey)
    }
    for (const stream of ['events', 'refunds'])
      t.equal(
        (
          await failureOf(
            read(stream, window, [{ kind: 'foreign_next', origin: 'http://127.0.0.2:9' }]),
          )
        ).code,
        'paging.host',
        stream,
      )
    for (const stream of ['customers', 'products'])
      t.equal(
        (
          await failureOf(
            read(stream, stream === 'products' ? null : window, [{ kind: 'repeat_page', page: 2 }]),
          )
        ).code,
        'paging.loop',
        stream,
      )
    const lie = await read('products', null, [{ kind: 'lying_count', delta: -7 }])
    t.equal(lie.records.length, (await read('products', null)).records.length)
  },
)

t.test('hostile records cost nobody else', async (t) => {
  const window = { start, end: start + dayMs }
  const honest = (await read('orders', window)).records
  const hostile: Fault = {
    kind: 'hostile',
    page: 1,
    records: [
      'proto',
      'nul',
      'surrogate',
      'deep',
      'huge',
      'many_keys',
      'numbers',
      'null_key',
      'missing_key',
      'null_cursor',
      'bad_cursor',
      'not_an_object',
      'outside',
    ],
  }
  const { records, pages, dropped } = await read('orders', window, [hostile])
  const known = new Set(honest.map((record) => record.id))
  t.equal(records.filter((record) => known.has(record.id)).length, honest.length)
  t.same(
    pages.flatMap(({ rejects = [] }) => rejects.map(({ reason }) => reason)),
    ['not an object', 'nested deeper than 512'],
  )
  t.equal(dropped, 1, 'the one outside')
  t.equal(records.length, honest.length + 10)
  const exact = JSON.stringify(records.find((record) => 'tiny' in record))
  t.match(exact, '"big":123456789012345678901234567890,"tiny":1e-400,"over":1e400')
})

t.test('a stalled answer is given up when the abort comes', async (t) => {
  for (const where of ['headers', 'body'] as const) {
    shop.clearFaults()
    shop.addFault({ kind: 'stall', where })
    const abort = new AbortController()
    const before = shop.requests().length
    const reading = readAll({
      manifest,
      stream: 'orders',
      config,
      window: { start, end: now },
      clock: systemClock,
      signal: abort.signal,
    })
    const timer = setInterval(() => {
      if (shop.requests().length > before) abort.abort(new Error('cancelled'))
    }, 10)
    await t.rejects(reading, { message: 'cancelled' })
    clearInterval(timer)
  }
  shop.clearFaults()
})
