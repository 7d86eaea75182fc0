import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startSimulator } from '../../../actors/simulator/server.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { type Answer, makeStream, openHarness, secretKey } from './harness.ts'

t.setTimeout(240_000)
const now = Date.UTC(2026, 0, 10)
const shop = await startSimulator({ startMs: now - 10 * 86_400_000, nowMs: now })
t.teardown(() => shop.close())
const config = { base_url: shop.url, api_key: shop.apiKey }
const window = { from: '2026-01-05T00:00:00Z', to: '2026-01-06T00:00:00Z' }

const broken = `derrick: 1
id: mine
api: {base_url: https://api.example.com}
streams:
  things: {pth: /things}
  others: {path: /others, paging: {type: page, name: p}}
`

t.test('a stream is tried before anything is stored', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const { body, status, text } = await h.call('POST', 'connectors/preview', {
    body: { connector: 'demo_shop', stream: 'orders', config, ...window, limit: 2, record: true },
  })
  t.equal(status, 200, text.slice(0, 300))
  t.match(body, {
    connector: 'demo_shop',
    stream: 'orders',
    failure: null,
    window: { from: '2026-01-05T00:00:00.000Z' },
    edges: { start: { found: 'inclusive' }, end: { found: 'exclusive' } },
    key: { duplicates: 0 },
  })
  t.equal(body.records.length, 2)
  t.notMatch(text, shop.apiKey)
  t.strictSame((await h.call('GET', 'sources')).body.data, [])

  const again = await h.call('POST', 'connectors/preview', {
    body: { connector: 'demo_shop', stream: 'orders', replay: body.fixture, limit: 2 },
  })
  t.strictSame(again.body.records, body.records, 'a fixture needs neither network nor config')

  const answers = []
  for (let i = 0; i < 2; i += 1) {
    const asked = { connector: 'demo_shop', stream: 'orders', replay: body.fixture, limit: i + 1 }
    const headers = { 'idempotency-key': 'look' }
    answers.push((await h.call('POST', 'connectors/preview', { body: asked, headers })).status)
  }
  t.strictSame(answers, [200, 200], 'records are shown, not kept for an Idempotency-Key')
})

t.test('connectors come all at once, or page by page', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const names = (answer: Answer): string[] =>
    answer.body.data.map(({ name }: { name: string }) => name)
  const all = names(await h.call('GET', 'connectors'))
  const paged: string[] = []
  for (let cursor = ''; ; ) {
    const page = await h.call('GET', `connectors?limit=2${cursor}`)
    paged.push(...names(page))
    if (page.body.next_cursor === null) break
    cursor = `&cursor=${page.body.next_cursor}`
  }
  t.ok(all.length > 2)
  t.strictSame(paged, all)
})

t.test('every error of a manifest and of a request is named at once', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const preview = (body: object) => h.call('POST', 'connectors/preview', { body })
  const wrong = await preview({ manifest: broken, stream: 'things' })
  t.match(wrong, { status: 422, body: { code: 'connector.invalid' } })
  const details = wrong.body.errors.map((error: { detail: string }) => error.detail)
  t.ok(details.length >= 3, details.join('\n'))
  for (const detail of details) t.match(detail, /^line \d+, column \d+: /)
  const pointers = (answer: Answer) =>
    answer.body.errors.map((error: { pointer: string }) => error.pointer).sort()
  const bad = await preview({
    connector: 'demo_shop',
    stream: 'ordrs',
    config: { base_url: 'nowhere' },
    timezone: 'Mars/Olympus',
    from: window.to,
    to: window.from,
  })
  t.strictSame(pointers(bad), [
    '/config/api_key',
    '/config/base_url',
    '/stream',
    '/timezone',
    '/to',
  ])
  t.match(await preview({ stream: 'orders' }), { status: 422 })
  t.match(await preview({ connector: 'nobody', stream: 'x' }), { status: 404 })
  t.match(await preview({ connector: 'demo_shop', stream: 'orders', replay: '{}' }), {
    status: 422,
    body: { code: 'fixture.invalid' },
  })
})

t.test('a source is tried with its stored credentials', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const { source } = await makeStream(h)
  await h.call('PATCH', `sources/${source}`, { body: { config: { base_url: shop.url } } })
  const preview = () =>
    h.call('POST', `sources/${source}/preview`, { body: { stream: 'products', edges: false } })
  const refused = await preview()
  t.match(refused.body, { end: 'failed', failure: { category: 'auth' } })
  t.notMatch(refused.text, secretKey)
  await h.call('PATCH', `sources/${source}`, { body: { config } })
  t.match((await preview()).body, { failure: null, window: null, key: { declared: ['sku'] } })
})

t.test('a hostile file costs a thread its time and the server nothing', async (t) => {
  const dir = tempDir('manifests')
  t.teardown(dir.remove)
  const nested = `a: ${'['.repeat(50_000)}`
  writeFileSync(join(dir.path, 'hostile.yaml'), nested)
  writeFileSync(join(dir.path, 'broken.yaml'), broken)
  const h = await openHarness({}, { manifestsDir: dir.path })
  t.teardown(h.close)
  const { body } = await h.call('GET', 'connectors')
  const found = new Map<string, { ok: boolean; issues: { line: number; remedy: string }[] }>(
    body.data.map((one: { id: string }) => [one.id, one]),
  )
  t.match(found.get('demo_shop'), { ok: true })
  t.equal(found.get('hostile')?.ok, false)
  t.ok((found.get('mine')?.issues.length ?? 0) >= 3, 'all errors at once')
  for (const issue of found.get('mine')?.issues ?? []) t.ok(issue.line > 0 && issue.remedy)
  t.match(await h.call('POST', 'connectors/validate', { body: { manifest: nested } }), {
    status: 200,
    body: { ok: false },
  })
})
