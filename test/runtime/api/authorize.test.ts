import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startApi } from '../../actors/connectors/test-api.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { openHarness } from './harness.ts'

t.setTimeout(120_000)

/** A source whose API asks somebody to agree; the API trades each code once. */
async function scene(t: Test, answer?: object) {
  const asked: URLSearchParams[] = []
  const api = await startApi(({ body, headers }, response) => {
    const form = new URLSearchParams(body)
    form.set('authorization', String(headers.authorization))
    asked.push(form)
    if (form.get('code') === 'good')
      return answer ?? { access_token: 'a', refresh_token: 'refresh-secret-1' }
    response.statusCode = 400
    return { error: 'invalid_grant' }
  })
  const home = tempDir('authorize')
  t.teardown(() => home[Symbol.dispose]())
  const manifests = join(home.path, 'manifests')
  mkdirSync(manifests)
  writeFileSync(
    join(manifests, 'agreed.yaml'),
    `
derrick: 1
id: agreed
version: 1.0.0
config:
  client_id: {}
  client_secret: {secret: true}
  refresh_token: {secret: true}
api: {base_url: "${api.url}"}
auth:
  type: oauth2
  grant: authorization_code
  authorize_url: "https://accounts.example/agree?hint=x"
  authorize_params: {access_type: offline}
  token_url: "${api.url}/token"
  client_id: "{{ config.client_id }}"
  client_secret: "{{ config.client_secret }}"
  client_auth: basic
  refresh_token: "{{ config.refresh_token }}"
  scopes: [read, more]
streams: {items: {path: /items}}
`,
  )
  const h = await openHarness({ publicUrl: 'https://derrick.example' }, { manifestsDir: manifests })
  t.teardown(h.close)
  const config = { client_id: 'me', client_secret: 'client-secret-1' }
  const source = await h.call('POST', 'sources', {
    body: { name: 'shop', connector: 'agreed', config },
  })
  const authorize = async (): Promise<URL> => {
    const { status, body } = await h.call('GET', `sources/${source.body.id}/authorize`)
    t.equal(status, 200, JSON.stringify(body))
    return new URL(body.authorize_url)
  }
  const comeBack = (query: Record<string, string>) =>
    h.call('GET', `oauth/callback?${new URLSearchParams(query)}`, { key: '' })
  const get = async () => (await h.call('GET', `sources/${source.body.id}`)).body
  return { h, asked, authorize, comeBack, get, id: source.body.id as string }
}

const host = { headers: { host: 'derrick.example' } }

t.test('somebody agrees in a browser, and the refresh token is stored', async (t) => {
  const { h, asked, authorize, get, id } = await scene(t)
  const url = await authorize()
  t.equal(url.origin + url.pathname, 'https://accounts.example/agree')
  const { state = '', code_challenge: challenge, ...sent } = Object.fromEntries(url.searchParams)
  t.same(sent, {
    hint: 'x',
    access_type: 'offline',
    response_type: 'code',
    client_id: 'me',
    redirect_uri: 'https://derrick.example/api/v1/oauth/callback',
    scope: 'read more',
    code_challenge_method: 'S256',
  })
  const query = new URLSearchParams({ state, code: 'good', scope: 'read', session_state: 'x' })
  const back = await h.call('GET', `oauth/callback?${query}`, { key: '', ...host })
  t.equal(back.status, 303, back.text)
  t.equal(back.headers.location, `/sources?signed_in=${id}`)
  const [form] = asked
  t.equal(form?.get('grant_type'), 'authorization_code')
  t.equal(form?.get('redirect_uri'), sent.redirect_uri)
  const verifier = form?.get('code_verifier') ?? ''
  t.equal(createHash('sha256').update(verifier).digest('base64url'), challenge)
  const basic = Buffer.from('me:client-secret-1').toString('base64')
  t.equal(form?.get('authorization'), `Basic ${basic}`)
  t.match((await get()).config, { refresh_token: { set: true }, client_id: 'me' })
  const stored = h.deps.stores.sources.find(id)
  const plain = h.deps.secrets.decryptConfig({ kind: 'source', id }, stored?.config ?? {})
  t.equal(plain.refresh_token, 'refresh-secret-1')
  const again = await h.call('GET', `oauth/callback?${query}`, { key: '', ...host })
  t.match(again, { status: 400, body: { code: 'authorization.state' } }, 'a state is good once')
  t.notMatch(h.logged.join(), /refresh-secret|client-secret/)
})

t.test('who was not sent, comes too late or brings no access changes nothing', async (t) => {
  const { h, asked, authorize, comeBack, get } = await scene(t)
  const unknown = await comeBack({ state: 'made-up', code: 'good' })
  t.match(unknown, { status: 400, body: { code: 'authorization.state' } })
  const stateOf = async () => (await authorize()).searchParams.get('state') ?? ''
  const late = await stateOf()
  h.clock.now += 600_001
  t.equal((await comeBack({ state: late, code: 'good' })).status, 400)
  const browser = { key: '', headers: { accept: 'text/html,application/xhtml+xml' } }
  const shown = (query: Record<string, string>) =>
    h.call('GET', `oauth/callback?${new URLSearchParams(query)}`, browser)
  const stray = await shown({ state: 'made-up', code: 'good' })
  t.match(stray, {
    status: 303,
    headers: { location: /\/sources\?not_signed_in=authorization\.state$/ },
  })
  const unwilling = await shown({
    state: await stateOf(),
    error: 'x',
    error_description: 'call 555',
  })
  t.match(unwilling.headers.location, /not_signed_in=authorization\.refused&source=src_/)
  t.notMatch(unwilling.headers.location, /555/, 'words of others are not put into our page')
  const denied = await comeBack({ state: await stateOf(), error: 'access_denied' })
  t.match(denied, { status: 422, body: { code: 'authorization.refused', detail: /access_denied/ } })
  t.same(asked, [], 'the API was not asked')
  const used = await comeBack({ state: await stateOf(), code: 'bad' })
  t.match(used, { status: 422, body: { code: 'auth.code_refused' } })
  t.notOk((await get()).config.refresh_token)
  const other = (await h.call('POST', 'workspaces', { body: { name: 'other' } })).body.id
  const viewer = await h.call('GET', `sources/x/authorize`, { key: h.key('viewer', other) })
  t.equal(viewer.status, 403)
})

t.test('access without a refresh token is told, with what helps', async (t) => {
  const { authorize, comeBack } = await scene(t, { access_token: 'a' })
  const state = (await authorize()).searchParams.get('state') ?? ''
  const answer = await comeBack({ state, code: 'good' })
  t.match(answer, { status: 422, body: { code: 'auth.no_refresh_token', remedy: /offline/ } })
})
