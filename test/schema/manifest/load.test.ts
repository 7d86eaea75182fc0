import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import Value from 'typebox/value'
import { loadManifest } from '../../../schema/manifest/load.ts'
import { Manifest, streamOf } from '../../../schema/manifest/manifest.ts'
import { load, loadFixture, minimal } from './support.ts'

t.test('every good fixture loads, fits its type and survives a structured clone', (t) => {
  const folder = new URL('./fixtures/', import.meta.url)
  for (const file of readdirSync(folder)) {
    const { manifest, issues } = loadManifest(readFileSync(new URL(file, folder), 'utf8'), file)
    t.strictSame(
      issues.filter((issue) => issue.severity === 'error'),
      [],
      file,
    )
    t.ok(manifest && Value.Check(Manifest, manifest), `${file} is what its type says`)
    t.strictSame(structuredClone(manifest), manifest)
  }
  t.end()
})

t.test('defaults are merged under the streams', (t) => {
  const manifest = loadFixture('storefront')
  const orders = streamOf(manifest, 'orders')
  const refunds = streamOf(manifest, 'order_refunds')
  const transactions = streamOf(manifest, 'order_transactions')
  const locations = streamOf(manifest, 'locations')
  t.match(orders, {
    method: 'GET',
    key: ['id'],
    paging: { type: 'link', rel: 'next', keep_params: false, stop: 'token', size: { in: 'query' } },
    headers: { 'X-Api-Version': '2026-10' },
    retry: { attempts: 3, base_ms: 500, max_wait_ms: 300_000 },
    window: { end_is: 'inclusive', start_is: 'inclusive', format: 'iso', zone: 'UTC' },
    fields: [],
    auth: null,
  })
  t.equal(orders?.window?.max_age_ms, 60 * 86_400_000)
  t.strictSame(orders?.errors[0]?.when.status, [402], 'one status is a list of one')
  t.strictSame(refunds?.headers, { 'x-api-version': '2027-01' }, 'header names have no case')
  t.match(refunds?.retry, { attempts: 1, base_ms: 500 })
  t.strictSame(locations?.headers, {}, 'null switches an inherited header off')
  t.strictSame(
    transactions?.errors.map((rule) => rule.then),
    ['empty', 'fail', 'smaller_page'],
    "the stream's own rules come first",
  )
  t.match(manifest, {
    api: { timeout_ms: 45_000, max_body_bytes: 32 * 1024 * 1024, max_in_flight: 8 },
    check: { request: { path: '/shop.json', headers: { 'X-Api-Version': '2026-10' } } },
    retry: { attempts: 3, base_ms: 500, jitter: true },
  })
  t.equal(manifest.errors.length, 2)
  t.end()
})

t.test('what may be left out has its fallback', (t) => {
  const graphql = loadFixture('storefront_graphql')
  t.equal(graphql.name, 'storefront_graphql')
  t.strictSame(graphql.check, { stream: 'orders' })
  const report = streamOf(loadFixture('newsletter'), 'daily_report')
  t.match(report?.window, { unit: 'day', zone: '{{ source.timezone }}', settle_ms: 60_000 })
  t.strictSame(report?.job?.fetch.headers, {}, 'a foreign address does not get our headers')
  t.equal(report?.job?.poll.every_ms, 5_000)
  t.equal(report?.job?.create.headers.revision, '2026-07-15')
  t.end()
})

t.test('the first stream that needs no other is the check', (t) => {
  const { manifest } = load(`${minimal}
  children: {for_each: [{parent: items, take: {id: id}}], path: "/items/{{ each.id }}"}`)
  t.strictSame(manifest?.check, { stream: 'items' })
  t.end()
})

t.test('every error is found at once, each at its place', (t) => {
  const { manifest, issues } = load(`derrick: 1
id: Shop
version: 1.0.0
api: {base_url: "https://a.example", timeot: 30s}
streams:
  a:
    paging: {type: page, name: page}
    window: {field: at, tracks: update, end_filter: true}
  b:
    query: {since: "{{ windw.start }}"}
    retry: {base: 5 seconds}
`)
  t.equal(manifest, undefined)
  t.strictSame(
    issues.map(({ code, line, column, path }) => `${code} ${line}:${column} ${path}`),
    [
      'manifest.schema 2:5 id',
      'manifest.schema 4:38 api.timeot',
      'manifest.schema 7:5 streams.a.paging',
      'manifest.schema 8:33 streams.a.window.tracks',
      'manifest.name 10:24 streams.b.query.since',
      'manifest.schema 11:19 streams.b.retry.base',
    ],
  )
  t.match(issues[1]?.remedy, /timeout/)
  t.match(issues[3]?.remedy, /updates/)
  t.match(issues[4]?.message, /window/)
  t.end()
})

t.test('what is inherited by many streams is reported once, where it stands', (t) => {
  const { issues } = load(`derrick: 1
id: shop
version: 1.0.0
api: {base_url: "https://a.example"}
defaults:
  errors:
    - {when: {if: "status > 'x' &"}, then: fail}
  query: {key: "{{ config.nope }}"}
streams:
  a: {}
  b: {errors: [{when: {status: 404}, then: empty}]}
`)
  t.strictSame(
    issues.map(({ code, line, path }) => [code, line, path]),
    [
      ['manifest.expr', 7, 'defaults.errors[0].when.if'],
      ['manifest.name', 8, 'defaults.query.key'],
    ],
  )
  t.end()
})

t.test('names that are properties of every object are plain names', (t) => {
  const { manifest, issues } = load(`derrick: 1
id: shop
version: 1.0.0
api: {base_url: "https://a.example", query: {constructor: "1", toString: "2"}}
streams:
  constructor: {path: /c, query: {hasOwnProperty: x}}
`)
  t.strictSame(issues, [])
  t.strictSame(Object.keys((manifest && streamOf(manifest, 'constructor')?.query) ?? {}), [
    'constructor',
    'toString',
    'hasOwnProperty',
  ])
  t.equal(manifest && streamOf(manifest, 'toString'), undefined)
  t.end()
})
