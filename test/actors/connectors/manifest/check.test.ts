import t from 'tap'
import { checkSource } from '../../../../actors/connectors/manifest/check.ts'
import { http, jumpingClock, manifestOf, startApi } from '../test-api.ts'

const manifest = (url: string, check = '{request: {path: /me}}') =>
  manifestOf(`
config: {key: {secret: true, required: true}}
api: {base_url: "${url}"}
auth: {type: bearer, token: "{{ config.key }}"}
check: ${check}
streams:
  items: {path: /items, records: {at: data}}
`)

const check = async (url: string, config: Record<string, unknown>, how?: string) => {
  const options = { config, http, clock: jumpingClock(), random: () => 0.5 }
  const { ok, steps } = await checkSource({ ...options, manifest: manifest(url, how) })
  return { ok, steps: steps.map((step) => `${step.name} ${step.ok}`), last: steps.at(-1) }
}

t.test('steps in order, up to the first that fails', async (t) => {
  const api = await startApi(({ path, headers }, response): unknown => {
    if (headers.authorization !== 'Bearer good') {
      response.statusCode = 401
      return { error: 'who are you' }
    }
    return path === '/me' ? { name: 'shop' } : { rows: [] }
  })
  const config = { key: 'good' }
  t.same((await check(api.url, config)).steps, [
    'config true',
    'address true',
    'sign-in true',
    'first page true',
  ])
  const missing = await check(api.url, {})
  t.same(missing.steps, ['config false'])
  t.match(missing.last?.message, 'key')
  const wrong = await check(api.url, { key: 'canary-key' })
  t.same(wrong.steps, ['config true', 'address true', 'sign-in false'])
  t.ok(wrong.last?.remedy)
  t.notMatch(JSON.stringify(wrong), 'canary')
  const odd = await check(api.url, config, '{stream: items}')
  t.same(odd.steps, ['config true', 'address true', 'sign-in true', 'first page false'])
  t.match(odd.last?.message, 'nothing at data; it has rows')
  t.same((await check('http://127.0.0.1:1', config)).steps, ['config true', 'address false'])
})
