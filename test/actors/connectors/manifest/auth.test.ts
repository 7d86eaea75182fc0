import { createVerify, generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { failureOf, jumpingClock, manifestOf, readAll, startApi } from '../test-api.ts'

const manifest = (url: string, auth: string, more = '') =>
  manifestOf(`
config: {key: {secret: true}, user: {}, id: {}, method: {}}
api: {base_url: "${url}"}
auth: ${auth}
streams:
  items: {path: /items${more}}
  others: {path: /others}
`)

t.test('credentials are put where the API wants them', async (t) => {
  const api = await startApi(() => [])
  const config = { key: ' k&y ', user: 'ann' }
  const last = async (auth: string) => {
    await readAll({ manifest: manifest(api.url, auth), config })
    return api.calls.at(-1)
  }
  t.equal(
    (await last('{type: bearer, token: "{{ config.key }}"}'))?.headers.authorization,
    'Bearer k&y',
  )
  t.equal(
    (await last('{type: bearer, scheme: Klaviyo-API-Key, token: x}'))?.headers.authorization,
    'Klaviyo-API-Key x',
  )
  const basic = await last(
    '{type: basic, username: "{{ config.user }}", password: "{{ config.key }}"}',
  )
  t.equal(basic?.headers.authorization, `Basic ${btoa('ann:k&y')}`)
  t.equal(
    (await last('{type: api_key, name: X-Key, value: "Token {{ config.user }}"}'))?.headers[
      'x-key'
    ],
    'Token ann',
  )
  t.equal(
    (await last('{type: api_key, in: query, name: key, value: "{{ config.key }}"}'))?.query.get(
      'key',
    ),
    'k&y',
  )
  const choice =
    '{type: choice, options: {a: {type: bearer, token: "{{ config.id }}"}, b: {type: api_key, name: x-b, value: "{{ config.user }}"}}}'
  t.equal((await last(choice))?.headers['x-b'], 'ann', 'the first that is complete')
  const by = choice.replace('{type: choice', '{type: choice, by: config.method')
  const failure = await failureOf(
    readAll({ manifest: manifest(api.url, by), config: { ...config, method: 'c' } }),
  )
  t.match(failure, { category: 'auth', code: 'auth.config', remedy: /a, b/ })
})

t.test('a missing credential is found before anything is sent', async (t) => {
  const api = await startApi(() => [])
  const failure = await failureOf(
    readAll({
      manifest: manifest(api.url, '{type: bearer, token: "{{ config.key }}"}'),
      config: {},
    }),
  )
  t.match(failure, { category: 'auth', code: 'auth.config' })
  t.equal(api.calls.length, 0)
})

t.test('a token is fetched once, shared, and renewed in time', async (t) => {
  let tokens = 0
  const api = await startApi(({ path, headers, body }, response) => {
    if (path === '/token') {
      t.equal(headers['content-type'], 'application/x-www-form-urlencoded')
      t.equal(
        body,
        'grant_type=client_credentials&scope=a+b&client_id=me&client_secret=k'.replace('+', '%20'),
      )
      return { access_token: `t${++tokens}`, expires_in: 3_600, api_domain: 'eu' }
    }
    if (headers.authorization !== `Bearer t${tokens}`) response.statusCode = 401
    return []
  })
  const auth = `{type: oauth2, grant: client_credentials, token_url: "${api.url}/token", client_id: "{{ config.id }}", client_secret: "{{ config.key }}", scopes: [a, b], save: {domain: api_domain}}`
  const built = manifest(api.url, auth, ', query: {d: "{{ auth.domain }}"}')
  const config = { key: 'k', id: 'me' }
  const clock = jumpingClock()
  const signal = new AbortController().signal
  await Promise.all([1, 2, 3].map(() => readAll({ manifest: built, config, clock })))
  await readAll({ manifest: built, config, clock, stream: 'others' })
  t.equal(tokens, 1)
  t.equal(api.calls.find(({ path }) => path === '/items')?.query.get('d'), 'eu')
  await clock.sleep(3_600_000 - 300_000, signal)
  await readAll({ manifest: built, config, clock })
  t.equal(tokens, 2, 'five minutes early')
  tokens = 10
  await readAll({ manifest: built, config, clock })
  t.equal(tokens, 11, 'a 401 renews it once')
})

t.test('a refused token request is an auth failure and not repeated', async (t) => {
  const api = await startApi((_call, response) => {
    response.statusCode = 400
    return { error: 'invalid_grant' }
  })
  const auth = `{type: oauth2, grant: refresh_token, token_url: "${api.url}/token", refresh_token: "{{ config.key }}", client_id: x}`
  const failure = await failureOf(
    readAll({ manifest: manifest(api.url, auth), config: { key: 'secret-refresh' } }),
  )
  t.match(failure, { category: 'auth', code: 'auth.revoked', retryable: false })
  t.notMatch(JSON.stringify(failure), 'secret-refresh')
  t.equal(api.calls.length, 1)
})

t.test('a 401 that stays is asked at most twice', async (t) => {
  const api = await startApi(({ path }, response) => {
    if (path === '/login') return { session: { token: 'abc' } }
    response.statusCode = 401
    return {}
  })
  const auth =
    '{type: login, request: {path: /login, method: POST, body: {json: {user: "{{ config.user }}"}}}, token_at: session.token, send: {name: X-Session, value: "{{ token }}"}}'
  const failure = await failureOf(
    readAll({ manifest: manifest(api.url, auth), config: { user: 'ann' } }),
  )
  t.match(failure, { category: 'auth', code: 'http.status_401' })
  const items = api.calls.filter(({ path }) => path === '/items')
  t.equal(items.length, 2)
  t.equal(items[0]?.headers['x-session'], 'abc')
  t.equal(api.calls[0]?.body, '{"user":"ann"}')
})

t.test('a signed JWT can be verified', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const api = await startApi(() => [])
  const auth =
    '{type: jwt, jwt: {algorithm: RS256, key: "{{ config.key }}", claims: {iss: "{{ config.user }}"}, ttl: 10m}}'
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  await readAll({ manifest: manifest(api.url, auth), config: { key, user: 'ann' } })
  const [head, claims, signature] = api.calls[0]?.headers.authorization?.slice(7).split('.') ?? []
  const verify = createVerify('sha256').update(`${head}.${claims}`)
  t.ok(verify.verify(publicKey, signature ?? '', 'base64url'))
  const now = jumpingClock().now() / 1_000
  t.same(JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()), {
    iat: now,
    exp: now + 600,
    iss: 'ann',
  })
})
