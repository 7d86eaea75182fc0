import t from 'tap'
import { failureOf, ids, manifestOf, numbered, readAll, startApi } from '../test-api.ts'

const total = 250
const expected = numbered(0, total).map(({ id }) => id)

const manifest = (url: string, paging: string, more = '') =>
  manifestOf(`
api: {base_url: "${url}"}
streams:
  items:
    path: /items
    key: [id]
    records: {at: data}
    paging: ${paging}
    ${more}
`)

t.test('every kind of paging reads all, once', async (t) => {
  const page = (call: { query: URLSearchParams }, from: number) => {
    const size = Number(call.query.get('limit') ?? 100)
    return { data: numbered(from, Math.min(from + size, total)), from, size }
  }
  const api = await startApi((call, response): unknown => {
    const style = call.query.get('style') ?? call.path
    const number = (name: string) => Number(call.query.get(name) ?? 0)
    switch (style) {
      case '/page':
        return page(call, (number('page') - 1) * 100)
      case '/page0':
        return page(call, number('p') * 100)
      case '/offset':
        return page(call, number('offset'))
      case '/total':
        return { ...page(call, number('offset')), total }
      case '/cursor': {
        const { data, from, size } = page(call, number('token'))
        return { data, next: from + size < total ? from + size : null }
      }
      case '/header': {
        const { data, from, size } = page(call, number('token'))
        if (from + size < total) response.setHeader('X-Next', String(from + size))
        return { data }
      }
      case '/next': {
        const { data, from, size } = page(call, number('at'))
        return { data, next: from + size < total ? `/next?at=${from + size}&limit=100` : null }
      }
      case '/link': {
        const { data, from, size } = page(call, number('at'))
        const next = `<${api.url}/link?at=${from + size}>`
        response.setHeader('Link', [
          `<${api.url}/first>; rel="first, prev"`,
          ...(from + size < total ? [`${next}; title="a, b"; rel="last next"`] : []),
        ])
        return { data }
      }
      case '/last':
        return page(call, call.query.has('after') ? number('after') + 1 : 0)
      default:
        return page(call, 0)
    }
  })
  const kinds: Record<string, [string, number]> = {
    page: ['{type: page, name: page, first: 1}', 4],
    page0: ['{type: page, name: p, first: 0, send_first: false}', 4],
    offset: ['{type: offset, name: offset}', 4],
    total: ['{type: offset, name: offset, total: total}', 3],
    cursor: ['{type: cursor, name: token, at: next}', 3],
    header: ['{type: cursor, name: token, header: X-Next}', 3],
    next: ['{type: next_url, at: next}', 3],
    link: ['{type: link}', 3],
    last: ['{type: last_record, name: after, field: id}', 4],
  }
  for (const [name, [paging, requests]] of Object.entries(kinds)) {
    const before = api.calls.length
    const built = manifest(api.url, paging)
    const stream = built.streams.items
    if (stream) stream.path = `/${name}`
    const { records } = await readAll({ manifest: built })
    t.same(ids(records), expected, name)
    t.equal(api.calls.length - before, requests, `${name}: requests`)
  }
})

t.test('size, short stop and more decide about the end', async (t) => {
  const api = await startApi(({ query }) => {
    const size = Number(query.get('limit'))
    const from = Number(query.get('offset'))
    return { data: numbered(from, Math.min(from + size, 25)), more: from + size < 25 }
  })
  const short = '{type: offset, name: offset, stop: short, size: {name: limit, value: 10}}'
  t.same(
    ids((await readAll({ manifest: manifest(api.url, short) })).records),
    numbered(0, 25).map(({ id }) => id),
  )
  t.equal(api.calls.length, 3)
  const more = '{type: offset, name: offset, more: response.more, size: {name: limit, value: 5}}'
  t.equal((await readAll({ manifest: manifest(api.url, more) })).records.length, 25)
  t.equal(api.calls.length, 8)
})

t.test('a repeated token, URL or page is a loop', async (t) => {
  const api = await startApi(({ query }) => ({
    data: numbered(0, 3),
    next: query.get('token') === 'b' ? 'a' : query.get('token') === 'a' ? 'b' : 'a',
    url: '/items?again',
  }))
  for (const paging of [
    '{type: cursor, name: token, at: next}',
    '{type: next_url, at: url}',
    '{type: page, name: page, first: 1}',
    '{type: offset, name: offset}',
    '{type: last_record, name: after, field: id}',
  ]) {
    const failure = await failureOf(readAll({ manifest: manifest(api.url, paging) }))
    t.equal(failure.code, 'paging.loop', paging)
    t.equal(failure.retryable, false)
  }
  t.ok(api.calls.length < 20)
})

t.test('max_pages is an error and not an end', async (t) => {
  let at = 0
  const api = await startApi(() => ({ data: numbered(at, ++at), next: `t${at}` }))
  const paging = '{type: cursor, name: token, at: next, max_pages: 3}'
  const failure = await failureOf(readAll({ manifest: manifest(api.url, paging) }))
  t.equal(failure.code, 'paging.max_pages')
  t.equal(api.calls.length, 3)
})

t.test('next URLs stay on their host', async (t) => {
  const stranger = await startApi(() => ({ data: numbered(3, 6) }))
  const api = await startApi(() => ({ data: numbered(0, 3), next: `${stranger.url}/items` }))
  const failure = await failureOf(
    readAll({ manifest: manifest(api.url, '{type: next_url, at: next}') }),
  )
  t.equal(failure.code, 'paging.host')
  t.equal(stranger.calls.length, 0)
  const host = new URL(stranger.url).host
  const named = manifest(api.url, `{type: next_url, at: next, other_hosts: ["${host}"]}`)
  t.same(ids((await readAll({ manifest: named })).records), [0, 1, 2, 3, 4, 5])
})

t.test('keep_params sends the first query again, else the next URL goes as it is', async (t) => {
  const api = await startApi(({ query }) =>
    query.has('at')
      ? { data: numbered(1, 2) }
      : { data: numbered(0, 1), next: '/items?at=2&x[]=1&x[]=2&status=kept' },
  )
  const query = 'query: {status: any, sort: id}'
  await readAll({ manifest: manifest(api.url, '{type: next_url, at: next}', query) })
  t.equal(api.calls[1]?.query.toString(), 'at=2&x%5B%5D=1&x%5B%5D=2&status=kept')
  await readAll({
    manifest: manifest(api.url, '{type: next_url, at: next, keep_params: true}', query),
  })
  t.equal(api.calls[3]?.query.toString(), 'at=2&x%5B%5D=1&x%5B%5D=2&status=kept&sort=id')
})

t.test('a wrong total neither cuts a read short nor passes for its end', async (t) => {
  let lie = 0
  const api = await startApi(({ query }) => {
    const from = Number(query.get('offset'))
    return { data: numbered(from, Math.min(from + 10, 25)), total: 25 + lie }
  })
  const built = manifest(api.url, '{type: offset, name: offset, total: total}')
  lie = -3
  t.equal((await readAll({ manifest: built })).records.length, 25)
  lie = 4
  const failure = await failureOf(readAll({ manifest: built }))
  t.equal(failure.code, 'paging.incomplete')
  t.equal(failure.retryable, true)
})

t.test('when the total changes meanwhile, all is read a second time', async (t) => {
  // Record 0 leaves the window after the first page: everything moves up by one.
  let gone = 0
  const api = await startApi(({ query }) => {
    const from = Number(query.get('offset'))
    const all = numbered(gone, 25)
    const answer = { data: all.slice(from, from + 10), total: all.length }
    gone = 1
    return answer
  })
  const built = manifest(api.url, '{type: offset, name: offset, total: total}')
  const { records } = await readAll({ manifest: built })
  t.same(new Set(ids(records)), new Set(numbered(0, 25).map(({ id }) => id)), 'none is missing')
  t.ok(api.calls.length > 5)
})

t.test('smaller_page halves until it goes, and skip goes past', async (t) => {
  const api = await startApi(({ query }, response) => {
    const size = Number(query.get('limit'))
    const from = Number(query.get('offset') ?? (Number(query.get('page')) - 1) * size)
    if (size > 25 || (query.has('page') && from === 50)) {
      response.statusCode = query.has('page') && size <= 25 ? 404 : 500
      return {}
    }
    return { data: numbered(from, Math.min(from + size, 100)) }
  })
  const rules =
    'errors: [{when: {status: 500}, then: smaller_page}, {when: {status: 404}, then: skip}]'
  const offset = '{type: offset, name: offset, size: {name: limit, value: 100}}'
  t.same(
    ids((await readAll({ manifest: manifest(api.url, offset, rules) })).records),
    numbered(0, 100).map(({ id }) => id),
  )
  const page = '{type: page, name: page, first: 1, size: {name: limit, value: 100}}'
  const { records } = await readAll({ manifest: manifest(api.url, page, rules) })
  t.same(
    ids(records),
    [...numbered(0, 50), ...numbered(75, 100)].map(({ id }) => id),
  )
})
