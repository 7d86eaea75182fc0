import fc from 'fast-check'
import t from 'tap'
import { follow, type RequestDraft, urlOf } from '../../../../actors/connectors/manifest/draft.ts'
import { nextLink } from '../../../../actors/connectors/manifest/link-header.ts'
import { nextUrlOn } from '../../../../actors/connectors/manifest/next-url.ts'
import { compileRequest } from '../../../../actors/connectors/manifest/request.ts'
import { noPage } from '../../../../actors/connectors/manifest/scope.ts'
import { removePath, setPath, stepsOf } from '../../../../actors/connectors/manifest/value.ts'
import { noWindow } from '../../../../actors/connectors/manifest/window.ts'
import { toFailure } from '../../../../schema/error.ts'
import { compilePath } from '../../../../schema/manifest/path.ts'
import { failureOf, manifestOf, readAll, startApi } from '../test-api.ts'

const draft = (query: [string, unknown][]): RequestDraft => ({
  method: 'GET',
  url: 'https://api.example/items',
  query: new Map(query),
  tail: '',
  headers: new Map(),
  body: null,
})
const plain = { param_style: 'repeat' as const, raw_chars: '' }

t.test('lists and odd characters are written as the API wants them', async (t) => {
  const query: [string, unknown][] = [
    ['id', [1, null, 'b c']],
    ['page[size]', 10],
    ['q', "a:'ä'&(x)"],
    ['none', null],
    ['map', { a: 1 }],
    [
      'big',
      (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('12345678901234567890'),
    ],
  ]
  const text = (param_style: 'repeat' | 'brackets' | 'comma', raw_chars = '') =>
    urlOf(draft(query), { param_style, raw_chars }).split('?')[1]
  const rest =
    "page%5Bsize%5D=10&q=a%3A'%C3%A4'%26(x)&map=%7B%22a%22%3A1%7D&big=12345678901234567890"
  t.equal(text('repeat'), `id=1&id=b%20c&${rest}`)
  t.equal(text('brackets'), `id%5B%5D=1&id%5B%5D=b%20c&${rest}`)
  t.equal(text('comma'), `id=1%2Cb%20c&${rest}`)
  t.equal(
    text('comma', ':,&'),
    `id=1,b%20c&${rest.replace('%3A', ':').replace('%22%3A1', '%22:1')}`,
  )
})

t.test('any parameter arrives as it was sent', async (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), (params) => {
      const given = Object.entries(params)
      const url = new URL(urlOf(draft(given), plain))
      t.same(
        [...url.searchParams],
        given.map(([name, value]) => [name.toWellFormed(), value.toWellFormed()]),
      )
      const followed = draft([])
      follow(followed, url.href, false)
      t.equal(urlOf(followed, plain), url.href)
    }),
    { numRuns: 200 },
  )
})

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return toFailure(error).code
  }
  return 'no error'
}

const scope = {
  config: { host: 'api.example', id: '../admin?x#y' },
  source: { timezone: 'UTC' },
  now: 0,
  window: noWindow,
  each: { id: '../admin?x#y' },
  job: {},
  auth: {},
  page: noPage,
}
const request = (path: string, base = 'https://{{ config.host }}/v1/?key=1') =>
  compileRequest({ path, method: 'GET', query: {}, headers: {} }, base)

t.test('base_url and path are joined, and values stay in their place', async (t) => {
  t.equal(
    urlOf(request('/items?a=b').draft(scope), plain),
    'https://api.example/v1/items?key=1&a=b',
  )
  t.equal(urlOf(request('items').draft(scope), plain), 'https://api.example/v1/items?key=1')
  t.equal(urlOf(request('').draft(scope), plain), 'https://api.example/v1?key=1')
  t.equal(
    request('/items/{{ each.id }}/x').draft(scope).url,
    'https://api.example/v1/items/..%2Fadmin%3Fx%23y/x',
  )
  t.equal(
    codeOf(() => request('/items/{{ config.id }}').draft(scope)),
    'request.address',
  )
  t.equal(
    request('@evil.example/x', 'https://api.example').draft(scope).url,
    'https://api.example/@evil.example/x',
  )
  t.equal(
    codeOf(() => request('/x', 'ftp nowhere').draft(scope)),
    'request.address',
  )
})

t.test('bodies are sent in the form they are declared in; null leaves out', async (t) => {
  const api = await startApi(() => ({ data: { nodes: [], next: null } }))
  const send = async (body: string) => {
    const manifest = manifestOf(`
api: {base_url: "${api.url}", headers: {X-Version: "2"}}
streams:
  items:
    path: /items
    method: POST
    headers: {X-Absent: "{{ null }}"}
    query: {absent: "{{ null }}", empty: ""}
    body: ${body}
    records: {at: data.nodes}
`)
    await readAll({ manifest })
    return api.calls.at(-1)
  }
  const json = await send('{json: {n: 1, list: ["{{ page.size }}"], text: "{{ 1 + 1 }}"}}')
  t.equal(json?.body, '{"n":1,"list":[null],"text":2}')
  t.equal(json?.headers['content-type'], 'application/json')
  t.equal(json?.headers['x-version'], '2')
  t.notOk('x-absent' in (json?.headers ?? {}))
  t.same([...(json?.query ?? [])], [['empty', '']])
  const form = await send('{form: {a: "x y", b: "{{ null }}"}}')
  t.equal(form?.body, 'a=x%20y')
  const graphql = await send(
    '{graphql: {query: "query { items }", variables: {after: "{{ page.token }}"}}}',
  )
  t.same(JSON.parse(graphql?.body ?? ''), { query: 'query { items }', variables: { after: null } })
  t.equal(
    (await send('{text: "since {{ now }}"}'))?.headers['content-type'],
    'text/plain; charset=utf-8',
  )
})

t.test('a next URL never leaves the host, whatever it looks like', async (t) => {
  const base = 'https://api.example/v1'
  const from = `${base}/items?page=1`
  const next = (text: string, others: string[] = []) => nextUrlOn(text, from, base, others)
  t.equal(next('/v1/items?page=2'), 'https://api.example/v1/items?page=2')
  t.equal(next('?page=2'), 'https://api.example/v1/items?page=2')
  t.equal(
    next('http://api.example/v1/items#x'),
    'https://api.example/v1/items',
    'a proxy hides https',
  )
  t.equal(next('https://b.example/x', ['b.example']), 'https://b.example/x')
  for (const text of [
    '//evil.example/x',
    'https://api.example.evil.example/',
    'https://api.example@evil.example/',
    'https://user:pw@api.example/',
    'https://api.example:8443/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '\\\\evil.example\\x',
    'http://169.254.169.254/latest',
  ])
    t.equal(
      codeOf(() => next(text, ['b.example'])),
      'paging.host',
      text,
    )
})

t.test('Link headers', async (t) => {
  t.equal(nextLink('<a>; rel=next', 'next'), 'a')
  t.equal(nextLink('<a,b>; title="x, <y>"; rel="prev  NEXT", <c>; rel=last', 'next'), 'a,b')
  t.equal(nextLink('<a>; rel="nexto", <b>; xrel="next"', 'next'), null)
  t.equal(nextLink(undefined, 'next'), null)
  t.equal(nextLink('<a', 'next'), null)
  fc.assert(fc.property(fc.string(), (text) => void nextLink(text, 'next')))
})

t.test('paths set and remove what they read, and leave the original alone', async (t) => {
  const name = fc.constantFrom('a', 'b', '__proto__', 'constructor', 'x y')
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('.'))
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue()), path, fc.jsonValue(), (record, at, value) => {
      const before = JSON.stringify(record)
      const made = setPath(record, at, value)
      t.same(compilePath(at)(made), value)
      t.equal(compilePath(at)(removePath(made, stepsOf(at))), undefined)
      t.equal(JSON.stringify(record), before)
      t.equal(({} as Record<string, unknown>).a, undefined)
    }),
    { numRuns: 300 },
  )
})

t.test('a page token in a template is sent on', async (t) => {
  const api = await startApi(({ body }) => {
    const { after } = JSON.parse(body)
    return { list: [{ id: after ?? 0 }], next: after === 2 ? null : (after ?? 0) + 1 }
  })
  const manifest = manifestOf(`
api: {base_url: "${api.url}"}
streams:
  items:
    path: /items
    method: POST
    body: {json: {after: "{{ page.token }}"}}
    records: {at: list}
    paging: {type: cursor, at: next}
`)
  t.same((await readAll({ manifest })).records, [{ id: 0 }, { id: 1 }, { id: 2 }])
  t.equal((await failureOf(readAll({ manifest, stream: 'gone' }))).code, 'manifest.stream_unknown')
})
