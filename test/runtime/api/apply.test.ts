import t from 'tap'
import { type Harness, makeStream, openHarness, secretKey } from './harness.ts'

const file = (dir: string, more: object = {}) => ({
  sources: {
    shop: {
      connector: 'demo_shop',
      start_date: '2026-03-01',
      config: { base_url: 'http://127.0.0.1:1', api_key: secretKey },
    },
  },
  destinations: { lake: { type: 'local_file', config: { path: dir } } },
  connections: {
    'shop-to-lake': {
      source: 'shop',
      destination: 'lake',
      namespace: 'shop',
      defaults: { sync_strategy: 'newest_first', schedule: '*/15 * * * *' },
      streams: 'all',
    },
  },
  ...more,
})

const apply = (h: Harness, body: object) => h.call('POST', 'apply', { body })
const actions = (answer: { body: { changes: { action: string; kind: string }[] } }) =>
  answer.body.changes.map(({ action, kind }) => `${action} ${kind}`)

t.test('a file is made true, and a second time nothing is left to do', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const dry = await apply(h, { file: file(h.dir), dry_run: true })
  t.match(dry, { status: 200, body: { dry_run: true } })
  t.strictSame((await h.call('GET', 'sources')).body.data, [], 'a dry run stores nothing')
  const first = await apply(h, { file: file(h.dir) })
  t.equal(first.status, 200, first.text)
  t.strictSame(actions(first), actions(dry))
  t.equal(actions(first).filter((one) => one === 'create stream').length, 5)
  const streams = (await h.call('GET', 'streams')).body.data
  const byName = new Map<string, { sync_strategy: string }>(
    streams.map((one: { name: string }) => [one.name, one]),
  )
  t.match(byName.get('orders'), { sync_strategy: 'newest_first', schedule: '*/15 * * * *' })
  t.match(byName.get('refunds'), { sync_strategy: 'oldest_first' }, 'a default holds where it can')

  const again = await apply(h, { file: file(h.dir) })
  t.ok(
    actions(again).every((one) => one.startsWith('unchanged')),
    again.text,
  )
  const changed = file(h.dir)
  changed.sources.shop.config.api_key = 'another_key'
  const update = await apply(h, { file: changed })
  t.match(
    update.body.changes.find((one: { action: string }) => one.action === 'update'),
    { kind: 'source', fields: ['config.api_key'] },
  )
  t.notMatch(first.text + update.text, /another_key|4d1f7a90c2/)
})

t.test('all or nothing, and all that is wrong at once', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const wrong = file(h.dir)
  Object.assign(wrong.sources.shop.config, { nope: 1, base_url: 'ftp://x' })
  Object.assign(wrong.destinations.lake, { config: { path: h.dir, depth: 3 } })
  Object.assign(wrong, {
    connections: {
      ...wrong.connections,
      other: { source: 'nobody', destination: 'lake', streams: [] },
    },
  })
  const refused = await apply(h, { file: wrong })
  t.equal(refused.status, 422)
  const pointers = refused.body.errors.map((one: { pointer: string }) => one.pointer)
  for (const pointer of [
    '/sources/shop/config/nope',
    '/sources/shop/config/base_url',
    '/destinations/lake/config/depth',
    '/connections/other/source',
  ])
    t.ok(pointers.includes(pointer), pointer)
  for (const kind of ['sources', 'destinations', 'connections'])
    t.strictSame((await h.call('GET', kind)).body.data, [], `no ${kind}`)
  const strict = file(h.dir)
  Object.assign(strict.connections['shop-to-lake'], {
    streams: [{ name: 'refunds', sync_strategy: 'newest_first' }],
  })
  t.match(await apply(h, { file: strict }), {
    status: 422,
    body: { errors: [{ pointer: '/connections/shop-to-lake/streams/refunds/sync_strategy' }] },
  })
})

t.test('what is exported changes nothing; prune deletes what is not named', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  await makeStream(h)
  const exported = await h.call('GET', 'export')
  t.equal(exported.status, 200)
  t.notMatch(exported.text, secretKey)
  const text = exported.text.replaceAll(/\$\{SHOP_API_KEY\}/g, secretKey)
  const same = await apply(h, { file: JSON.parse(text), prune: true })
  t.equal(same.status, 200, same.text)
  t.ok(
    actions(same).every((one) => one.startsWith('unchanged')),
    same.text,
  )
  const less = JSON.parse(text)
  less.connections = {}
  const dry = await apply(h, { file: less, prune: true, dry_run: true })
  t.ok(actions(dry).includes('delete connection'))
  t.equal((await h.call('GET', 'connections')).body.data.length, 1)
  t.strictSame(actions(await apply(h, { file: less, prune: true })), actions(dry))
  t.equal((await h.call('GET', 'connections')).body.data.length, 0)
})
