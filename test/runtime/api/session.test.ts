import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeLoginLink, seedAdminKey, writeClientFile } from '../../../runtime/api/keys.ts'
import { sessionIdleMs, sessionLivesMs } from '../../../runtime/api/principal.ts'
import type { DerrickError } from '../../../schema/error.ts'
import { type Harness, openHarness } from './harness.ts'

const same = { 'sec-fetch-site': 'same-origin' }

/** Signs in and gives the headers of the browser that did. */
async function signIn(h: Harness, body: object): Promise<{ cookie: string; raw: string }> {
  const answer = await h.call('POST', 'session', { key: '', body, headers: same })
  if (answer.status !== 200) throw new Error(answer.text)
  const raw = String(answer.headers['set-cookie'])
  return { cookie: raw.split(';')[0] as string, raw }
}

const asBrowser = (
  h: Harness,
  cookie: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  headers: Record<string, string> = same,
) =>
  h.call(method, path, {
    key: '',
    headers: { cookie, ...headers },
    ...(method === 'POST' ? { body: { name: `w${h.clock.now}` } } : {}),
  })

t.test('signing in with a key: a cookie that scripts can’t read and that ends', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const key = h.key('operator')
  const { cookie, raw } = await signIn(h, { key })
  t.match(raw, /HttpOnly/)
  t.match(raw, /SameSite=Lax/)
  t.notMatch(raw, /Secure/, 'on plain HTTP a secure cookie would never come back')
  t.notMatch(raw, key)
  const session = await asBrowser(h, cookie, 'GET', 'session')
  t.match(session.body, {
    auth: 'session',
    role: 'operator',
    workspace: { name: 'default' },
    version: '0.0.0-test',
    demo: false,
  })
  h.clock.now += sessionIdleMs - 1_000
  t.equal((await asBrowser(h, cookie, 'GET', 'session')).status, 200, 'use keeps it alive')
  for (let at = 0; at < sessionLivesMs; at += sessionIdleMs / 2) {
    h.clock.now += sessionIdleMs / 2
    await asBrowser(h, cookie, 'GET', 'session')
  }
  t.equal((await asBrowser(h, cookie, 'GET', 'session')).status, 401, 'but not for ever')
  const second = await signIn(h, { key })
  t.not(second.cookie, cookie)
  h.clock.now += sessionIdleMs + 1
  t.equal(
    (await asBrowser(h, second.cookie, 'GET', 'session')).status,
    401,
    'unused it ends sooner',
  )
})

t.test('behind TLS the cookie is secure', async (t) => {
  const h = await openHarness({ publicUrl: 'https://derrick.example.com' })
  t.teardown(h.close)
  t.match((await signIn(h, { key: h.key('admin') })).raw, /Secure/)
})

t.test('signing out, and deleting the key, end a session on the server', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const made = (await h.call('POST', 'api_keys', { body: { name: 'x', role: 'admin' } })).body
  const first = await signIn(h, { key: made.key })
  const second = await signIn(h, { key: made.key })
  t.equal((await asBrowser(h, first.cookie, 'DELETE', 'session')).status, 204)
  t.equal((await asBrowser(h, first.cookie, 'GET', 'session')).status, 401)
  t.equal((await asBrowser(h, second.cookie, 'GET', 'session')).status, 200)
  await h.call('DELETE', `api_keys/${made.id}`)
  t.equal((await asBrowser(h, second.cookie, 'GET', 'session')).status, 401)
})

t.test('writes with a cookie must come from our own pages', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const { cookie } = await signIn(h, { key: h.key('admin') })
  const cases: [Record<string, string>, number][] = [
    [{}, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'http://localhost:80.evil.example' }, 403],
    [{ ...same, origin: 'https://evil.example' }, 403],
    [same, 201],
    [{ origin: 'http://localhost:80' }, 403], // a browser leaves the default port out
    [{ origin: 'http://localhost', host: 'localhost' }, 201],
    [{ origin: 'http://127.0.0.1:7070', host: '127.0.0.1:7070' }, 201],
  ]
  for (const [headers, expected] of cases) {
    h.clock.now += 1
    const answer = await asBrowser(h, cookie, 'POST', 'workspaces', headers)
    t.equal(answer.status, expected, JSON.stringify(headers))
  }
  t.equal((await asBrowser(h, cookie, 'GET', 'session', {})).status, 200, 'reading needs neither')
  t.equal(
    (
      await h.call('POST', 'workspaces', {
        body: { name: 'by key' },
        headers: { origin: 'https://evil.example' },
      })
    ).status,
    201,
    'a key is no ambient right',
  )
  const planted = await h.call('POST', 'session', {
    key: '',
    body: { key: h.key('viewer') },
    headers: { origin: 'https://evil.example' },
  })
  t.equal(planted.status, 403, 'no sign-in from elsewhere')
})

t.test('without sign-in: everybody may, but no other site’s page', async (t) => {
  const h = await openHarness({ authDisabled: true, demo: true })
  t.teardown(h.close)
  t.match((await h.call('GET', 'session', { key: '' })).body, {
    auth: 'disabled',
    role: 'admin',
    demo: true,
  })
  t.equal((await h.call('POST', 'workspaces', { key: '', body: { name: 'curl' } })).status, 201)
  const foreign = { origin: 'https://evil.example' }
  t.equal(
    (await h.call('POST', 'workspaces', { key: '', body: { name: 'x' }, headers: foreign })).status,
    403,
  )
  const wrong = await h.call('GET', 'session', { key: `dk_live_${'0'.repeat(32)}` })
  t.equal(wrong.status, 401, 'a wrong key is still told')
})

t.test('host names that are not ours are not answered', async (t) => {
  const h = await openHarness({
    host: 'box.lan',
    publicUrl: 'https://derrick.example.com/',
    authDisabled: true,
  })
  t.teardown(h.close)
  const cases: [string, number][] = [
    ['localhost:7070', 200],
    ['127.0.0.1:7070', 200],
    ['[::1]:7070', 200],
    ['192.168.7.7:7070', 200],
    ['BOX.lan:7070', 200],
    ['derrick.example.com', 200],
    ['evil.example', 421],
    ['derrick.example.com.evil.example', 421],
    ['localhost.evil.example', 421],
    ['x@localhost', 421],
  ]
  for (const [host, expected] of cases) {
    for (const path of ['/api/v1/session', '/']) {
      const { status } = await h.call('GET', path, { key: '', headers: { host } })
      t.equal(status === 421, expected === 421, `${host} ${path}: ${status}`)
    }
  }
  t.equal(
    (await h.call('GET', 'session', { headers: { host: 'service.cluster' } })).status,
    200,
    'with a key any name will do',
  )
})

t.test('wrong keys and links get one answer, and after ten a pause', async (t) => {
  const h = await openHarness({ trustProxy: true })
  t.teardown(h.close)
  const from = (ip: string, body: object) =>
    h.call('POST', 'session', { key: '', body, headers: { ...same, 'x-forwarded-for': ip } })
  const answers = new Set<string>()
  for (let i = 0; i < 10; i += 1) {
    const body =
      i % 2 ? { token: 'x' } : { key: i === 0 ? 'short' : `dk_live_${String(i).padStart(32, '0')}` }
    const answer = await from('203.0.113.1', body)
    t.equal(answer.status, 401)
    answers.add(answer.text)
  }
  t.equal(answers.size, 1)
  const key = h.key('admin')
  const paused = await from('203.0.113.1', { key })
  t.match(paused, {
    status: 429,
    body: { code: 'auth.too_many_tries' },
    headers: { 'retry-after': /^\d+$/ },
  })
  t.equal((await from('203.0.113.2', { key })).status, 200, 'others are not held up')
  h.clock.now += 61_000
  t.equal((await from('203.0.113.1', { key })).status, 200)
})

t.test('a one-time link signs in once, within an hour', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const tokenOf = (link: string) => new URL(link, 'http://x').searchParams.get('token')
  const token = tokenOf(makeLoginLink(h.deps))
  const { cookie } = await signIn(h, { token })
  t.match((await asBrowser(h, cookie, 'GET', 'session')).body, { auth: 'session', role: 'admin' })
  await t.rejects(signIn(h, { token }), /auth.refused/)
  const late = tokenOf(makeLoginLink(h.deps))
  h.clock.now += 3_600_001
  await t.rejects(signIn(h, { token: late }), /auth.refused/)
})

t.test(
  'the first admin key is seeded once; a badly formed one is refused with an example',
  async (t) => {
    const h = await openHarness()
    t.teardown(h.close)
    const key = `dk_live_${'ab'.repeat(16)}`
    for (const bad of ['secret', 'dk_live_', `${key}0`, key.toUpperCase(), ` ${key}`]) {
      try {
        seedAdminKey(h.deps, bad)
        t.fail(bad)
      } catch (error) {
        t.match((error as DerrickError).failure, {
          code: 'config.invalid',
          remedy: /dk_live_[0-9a-f]{32}$/,
        })
      }
    }
    seedAdminKey(h.deps, key)
    t.equal((await h.call('GET', 'session', { key })).status, 401, 'there is an admin already')
    h.db.full.exec('delete from api_keys')
    seedAdminKey(h.deps, key)
    t.match((await h.call('GET', 'session', { key })).body, { auth: 'key', role: 'admin' })
  },
)

t.test('the local command line finds address and key in a private file', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const file = join(h.dir, 'client.json')
  const read = () => JSON.parse(readFileSync(file, 'utf8')) as { url: string; api_key: string }
  writeClientFile(h.deps, h.dir, 'http://127.0.0.1:1')
  t.equal(statSync(file).mode & 0o777, 0o600)
  const first = read()
  t.equal((await h.call('GET', 'session', { key: first.api_key })).status, 200)
  writeClientFile(h.deps, h.dir, 'http://127.0.0.1:2')
  t.strictSame(read(), { ...first, url: 'http://127.0.0.1:2' }, 'a restart keeps the key')
  h.deps.stores.apiKeys.delete('key_local')
  writeClientFile(h.deps, h.dir, 'http://127.0.0.1:2')
  t.not(read().api_key, first.api_key)
  t.equal((await h.call('GET', 'session', { key: first.api_key })).status, 401)
})
