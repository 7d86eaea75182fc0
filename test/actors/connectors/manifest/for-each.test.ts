import t from 'tap'
import { ids, manifestOf, readAll, startApi } from '../test-api.ts'

const start = Date.UTC(2026, 2, 1)
const end = start + 86_400_000

t.test('children are read for each record of their parent', async (t) => {
  const api = await startApi(({ path, query }, response): unknown => {
    if (path === '/shops') return [{ id: 'a' }, { id: '../b?x' }, { id: 'a' }]
    if (path === '/orders')
      return query.has('from')
        ? [{ id: 1, shop: 'a', at: '2026-03-01T05:00:00Z' }]
        : [
            { id: 1, shop: 'a', at: '2026-03-01T05:00:00Z' },
            { id: 2, shop: 'b', at: '2026-01-01T00:00:00Z' },
          ]
    if (path.startsWith('/orders/')) return [{ id: `${path}`, at: '2020-01-01T00:00:00Z' }]
    if (path === '/shops/a/items' || path === '/shops/..%2Fb%3Fx/items')
      return [{ id: 1 }, { id: 2 }]
    response.statusCode = 404
    return {}
  })
  const manifest = manifestOf(`
api: {base_url: "${api.url}"}
streams:
  shops: {path: /shops, key: [id]}
  orders:
    path: /orders
    key: [id]
    window: {field: at, tracks: updates, end_filter: true, start: {name: from}, end: {name: to}}
  items:
    for_each: [{parent: shops, take: {shop: id}}]
    path: "/shops/{{ each.shop }}/items"
    key: [shop, id]
    fields: [{set: shop, to: "{{ each.shop }}"}]
  lines:
    for_each: [{parent: orders, take: {order: id, shop: shop}, changed_only: true}]
    path: "/orders/{{ each.order }}/{{ each.shop }}"
    key: [id]
    window: {field: at, tracks: updates, end_filter: true}
  tags:
    for_each:
      - {parent: items, take: {item: id}}
    path: "/orders/{{ each.item }}/{{ each.parent.shop }}"
`)
  const { records } = await readAll({ manifest })
  t.same(
    records.map(({ shop, id }) => [shop, id]),
    [
      ['a', 1],
      ['a', 2],
      ['../b?x', 1],
      ['../b?x', 2],
    ],
  )
  const lines = await readAll({ manifest, stream: 'lines', window: { start, end } })
  t.same(
    ids(lines.records),
    ['/orders/1/a'],
    'only of orders in the window, kept whatever their own time',
  )
  const all = await readAll({ manifest, stream: 'tags', window: null })
  t.same(ids(all.records), [
    '/orders/1/a',
    '/orders/2/a',
    '/orders/1/..%2Fb%3Fx',
    '/orders/2/..%2Fb%3Fx',
  ])
})

t.test('lists, their product, batches and what stands in for an empty one', async (t) => {
  const api = await startApi(({ path }) =>
    path === '/all' ? [{ id: 7 }, { id: 8 }, { id: 9 }] : [],
  )
  const manifest = manifestOf(`
config: {ids: {type: list}}
api: {base_url: "${api.url}"}
streams:
  all: {path: /all, key: [id]}
  items:
    for_each:
      - {values: [email, sms], as: channel}
      - {values: "{{ config?.ids }}", as: id, else: {parent: all, take: {id: id}}}
    path: "/{{ each.channel }}/{{ each.id }}"
  batched:
    for_each: [{parent: all, take: {id: id}, batch: 2, send: {name: ids}}]
    path: /batched
`)
  const paths = async (stream: string, config: Record<string, unknown>) => {
    const before = api.calls.length
    await readAll({ manifest, stream, config })
    return api.calls.slice(before).filter(({ path }) => path !== '/all')
  }
  t.same(
    (await paths('items', { ids: [1, 2] })).map(({ path }) => path),
    ['/email/1', '/email/2', '/sms/1', '/sms/2'],
  )
  t.same((await paths('items', {})).map(({ path }) => path).length, 6)
  t.same(
    (await paths('batched', {})).map(({ query }) => query.get('ids')),
    ['7,8', '9'],
  )
})
