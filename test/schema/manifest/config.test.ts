import t from 'tap'
import { checkConfig, configScope, secretFields } from '../../../schema/manifest/config.ts'
import type { Manifest } from '../../../schema/manifest/manifest.ts'
import { load, loadFixture } from './support.ts'

const storefront = loadFixture('storefront')
const newsletter = loadFixture('newsletter')
const problems = (manifest: Manifest, config: Record<string, unknown>) =>
  checkConfig(manifest, config).map(({ field, code }) => `${field} ${code}`)

t.test('every bad field is named at once', (t) => {
  t.strictSame(problems(storefront, { shop: 'A B', auth_method: 'password', shpo: 1 }), [
    'shpo unknown',
    'shop pattern',
    'auth_method enum',
  ])
  t.match(checkConfig(storefront, { shpo: 'x' })[0]?.remedy, /shop/)
  t.strictSame(
    problems(newsletter, { api_key: 5, late_days: 99, predictive: 'yes', region: 'mars' }),
    ['api_key type', 'predictive type', 'region enum', 'late_days max'],
  )
  t.end()
})

t.test('required fields count only while they are shown', (t) => {
  t.strictSame(problems(storefront, { shop: 'a' }), ['client_id required'])
  t.strictSame(problems(storefront, { shop: 'a', auth_method: 'token' }), ['access_token required'])
  t.strictSame(problems(storefront, { shop: 'a', client_id: 'x' }), [])
  t.strictSame(problems(storefront, { shop: '', client_id: null }), [
    'shop required',
    'client_id required',
  ])
  t.end()
})

t.test('all types', (t) => {
  const { manifest } = load(`derrick: 1
id: shop
version: 1.0.0
config:
  i: {type: integer}
  n: {type: number, min: 0.5}
  l: {type: list, enum: [a, b], max: 2}
  d: {type: date}
  j: {type: json}
api: {base_url: "https://a.example"}
streams: {a: {}}
`)
  if (!manifest) throw new Error('does not load')
  t.strictSame(
    problems(manifest, { i: 1, n: 0.5, l: ['a', 'b'], d: '2024-02-29', j: { a: [1] } }),
    [],
  )
  t.strictSame(problems(manifest, { i: 1.5, n: 0.1, l: ['c'], d: '2024-13-01' }), [
    'i type',
    'n min',
    'l enum',
    'd type',
  ])
  t.strictSame(problems(manifest, { l: ['a', 'a', 'a'], i: '1', n: Number.NaN, d: 'today' }), [
    'i type',
    'n type',
    'l max',
    'd type',
  ])
  t.strictSame(problems(manifest, JSON.parse('{"__proto__": 1, "constructor": 2}')), [
    '__proto__ unknown',
    'constructor unknown',
  ])
  t.end()
})

t.test('the scope of expressions has defaults and looked-up values', (t) => {
  t.strictSame(configScope(newsletter, { api_key: 'pk_1', region: 'eu', with_reports: null }), {
    api_key: 'pk_1',
    predictive: false,
    region: 'api.eu.example.com',
    late_days: 2,
  })
  t.strictSame(secretFields(storefront), ['client_secret', 'access_token'])
  t.end()
})
