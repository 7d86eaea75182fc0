import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  type PreviewOptions,
  previewStream,
} from '../../../../actors/connectors/preview/preview.ts'
import { startSimulator } from '../../../../actors/simulator/server.ts'
import { loadManifest } from '../../../../schema/manifest/load.ts'
import type { PreviewOrder } from '../../../../schema/preview.ts'
import { failureOf, http, manifestOf, startApi } from '../test-api.ts'

const file = new URL('../../../../manifests/demo_shop.yaml', import.meta.url)
const { manifest: shopManifest } = loadManifest(readFileSync(file, 'utf8'), 'demo_shop.yaml')
if (!shopManifest) throw new Error('the demo manifest does not load')

const rawJson = (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON
const dayMs = 86_400_000
const start = Date.UTC(2026, 0, 1)
const now = start + 10 * dayMs
const shop = await startSimulator({
  startMs: start,
  nowMs: now,
  streams: { orders: { perDay: 300 }, events: { perDay: 400 } },
})
t.teardown(() => shop.close())

const order = (stream: string, more: Partial<PreviewOrder> = {}): PreviewOrder => ({
  stream,
  from: null,
  to: null,
  pages: 2,
  records: 5,
  edges: true,
  ...more,
})
const preview = (options: Partial<PreviewOptions> & Pick<PreviewOptions, 'order'>) =>
  previewStream({
    manifest: shopManifest,
    config: { base_url: shop.url, api_key: shop.apiKey },
    timezone: 'UTC',
    http,
    now: () => now,
    random: () => 0.5,
    ...options,
  })

t.test('the demo shop holds what its manifest says, and no secret is in a report', async (t) => {
  for (const stream of Object.keys(shopManifest.streams)) {
    const { report, fixture = '' } = await preview({ order: order(stream), record: true })
    t.equal(report.failure, null, stream)
    t.ok(report.record_count > 0, `${stream} has records`)
    t.strictSame(
      report.warnings.filter(({ severity }) => severity === 'error'),
      [],
      `${stream}: nothing is lost`,
    )
    t.equal(report.key.duplicates + report.key.missing, 0)
    const { edges } = report
    if (edges) t.equal(edges.start.found, edges.start.declared, `${stream}: start`)
    if (edges?.end) t.equal(edges.end.found, edges.end.declared, `${stream}: end`)
    const text = JSON.stringify(report) + fixture
    t.notMatch(text, shop.apiKey)
    t.notMatch(text, Buffer.from(`${shop.apiKey}:`).toString('base64'))
    t.match(JSON.stringify(report.exchanges[0]?.headers), /\*\*\*/, 'but that there is one is seen')

    const again = await preview({
      order: order(stream),
      config: {},
      replay: fixture,
      http: { send: () => Promise.reject(new Error('a replay asks no network')) },
    })
    t.strictSame(again.report.failure, null, `${stream} replays`)
    t.strictSame(again.report.records, report.records)
    t.strictSame(again.report.edges, report.edges)
  }
})

t.test('a wrong manifest: what would be lost is said', async (t) => {
  const streams = { ...shopManifest.streams }
  const { orders, customers, events } = streams as Required<typeof streams>
  if (!orders?.window || !customers?.window || !events)
    throw new Error('the shop has other streams')
  const manifest = {
    ...shopManifest,
    streams: {
      unpaged: { ...orders, paging: { type: 'none' as const } },
      keyless: { ...orders, key: [] },
      twice: { ...orders, key: ['currency'] },
      edges: { ...customers, window: { ...customers.window, start_is: 'inclusive' as const } },
      backwards: {
        ...orders,
        window: { ...orders.window, order: 'desc' as const, end_filter: false },
      },
    },
  }
  const codes = async (stream: string) => {
    const { report } = await preview({ manifest, order: order(stream) })
    return report.warnings.map(({ code, severity }) => `${severity} ${code}`)
  }
  t.match(await codes('unpaged'), ['error preview.paging_missing'])
  const { report } = await preview({ manifest, order: order('unpaged') })
  t.match(report.warnings[0]?.remedy, /\{type: cursor, at: next_page_token, name: </)
  t.match(await codes('keyless'), ['warning preview.key_undeclared'])
  t.ok((await codes('twice')).includes('error preview.key_not_unique'))
  t.ok((await codes('edges')).includes('error preview.start_exclusive'))
  t.ok((await codes('backwards')).includes('error preview.order'))
})

t.test(
  'an API that looks at no parameter, caps its pages and names its fields badly',
  async (t) => {
    const items = Array.from({ length: 30 }, (_, at) => ({
      id: `${at}`,
      changed: new Date(start + at * dayMs).toISOString(),
      price: `${at}.50`,
      zip: `0${at}`,
      flag: at % 2 === 0 ? 'true' : 'false',
      seen_at: 1_767_225_600 + at,
      mixed: at % 2 === 0 ? at : 'many',
      large: rawJson('12345678901234567890'),
      ['__proto__']: at,
    }))
    const api = await startApi(({ query }) => {
      const page = Number(query.get('page') ?? 1)
      return { items: items.slice((page - 1) * 10, page * 10) }
    })
    const manifest = manifestOf(`api: {base_url: "${api.url}"}
streams:
  items:
    path: /items
    records: {at: items}
    key: [id]
    paging: {type: page, name: page, first: 1, size: {name: limit, value: 50}, stop: short}
    window: {field: changed, tracks: updates, end_filter: true, start: {name: a}, end: {name: b}}
`)
    const asked = {
      order: order('items', { from: start, to: start + dayMs }),
      manifest,
      config: {},
    }
    const { report } = await preview(asked)
    const codes = report.warnings.map(({ code }) => code)
    for (const code of ['short_page', 'end_ignored']) t.ok(codes.includes(`preview.${code}`), code)
    const whole = await preview({ ...asked, order: order('items', { from: start, to: now * 2 }) })
    const fields = new Map(whole.report.fields.map((field) => [field.name, field]))
    t.match(fields.get('price')?.declare, 'price: number')
    t.match(fields.get('flag')?.declare, 'flag: boolean')
    t.match(fields.get('seen_at'), { convert: /as: timestamp/, declare: 'seen_at: timestamp' })
    t.match(fields.get('mixed')?.declare, 'mixed: text')
    t.equal(fields.get('zip')?.declare, undefined, 'leading zeros are no number')
    t.ok(fields.has('__proto__'))
    t.equal(whole.report.records[0]?.large, '12345678901234567890', 'no digit is lost')
  },
)

t.test('tokens of a sign-in are hidden wherever they appear', async (t) => {
  const token = 'tok_4711_very_secret_indeed'
  const api = await startApi(({ path, headers }) => {
    if (path === '/token') return { access_token: token, expires_in: 3600, instance_url: api.url }
    return { data: [{ id: 1, echo: headers['x-token'] ?? null }], client: 'shh_client_secret' }
  })
  const manifest = manifestOf(`config:
  secret: {secret: true, required: true}
api: {base_url: "${api.url}"}
auth:
  type: oauth2
  grant: client_credentials
  token_url: "${api.url}/token"
  client_id: me
  client_secret: "{{ config.secret }}"
  send: {in: header, name: X-Token, value: "{{ token }}"}
streams: {items: {path: /items, records: {at: data}, key: [id]}}
`)
  const { report, fixture = '' } = await preview({
    manifest,
    config: { secret: 'shh_client_secret' },
    order: order('items'),
    record: true,
  })
  t.equal(report.failure, null)
  t.ok(report.exchanges.some(({ purpose }) => purpose === 'sign-in'))
  t.notMatch(JSON.stringify(report) + fixture, token)
  t.notMatch(JSON.stringify(report) + fixture, 'shh_client_secret')
})

t.test('a failure is part of the report, with what was asked and answered', async (t) => {
  const api = await startApi((_call, response) => {
    response.statusCode = 403
    return { error: 'this key may not read items' }
  })
  const manifest = manifestOf(`api: {base_url: "${api.url}"}
streams: {items: {path: /items, records: {at: data}}}
`)
  const { report } = await preview({ manifest, config: {}, order: order('items') })
  t.match(report.failure, { category: 'auth' })
  t.match(report.exchanges[0], { status: 403, response: /may not read/ })
  t.equal(report.end, 'failed')
})

t.test('a fixture of another stream, or none at all, is refused', async (t) => {
  const { fixture = '' } = await preview({ order: order('products'), record: true })
  const replay = (text: string, stream = 'products') =>
    failureOf(preview({ order: order(stream), replay: text, config: {} }))
  t.match(await replay(fixture, 'orders'), { code: 'fixture.invalid', message: /products/ })
  t.match(await replay('{'), { code: 'fixture.invalid' })
  t.match(await replay('{"derrick_fixture":1}'), { code: 'fixture.invalid' })
  t.match(await failureOf(preview({ order: order('orders'), config: {} })), {
    code: 'config.invalid',
    message: /base_url/,
  })
})
