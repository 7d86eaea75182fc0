import t from 'tap'
import { makeStreamReader } from '../../actors/connectors/manifest/reader.ts'
import { makeHttpClient } from '../../actors/http/client.ts'
import { keeperOf } from '../../actors/sign-in-lines.ts'
import { SignIns } from '../../runtime/engine/sign-ins.ts'
import { type Call, failureOf, jumpingClock, manifestOf, startApi } from './connectors/test-api.ts'

/** An API whose refresh token changes with each use; one that is used twice locks the account. */
async function startRotating(options: { lifeSeconds?: number; answer?: object } = {}) {
  const state = { refresh: 'refresh-0', access: '', count: 0, locked: false, stored: 'refresh-0' }
  const asked: URLSearchParams[] = []
  const api = await startApi((call: Call, response) => {
    if (call.path === '/token') {
      const form = new URLSearchParams(call.body)
      asked.push(form)
      if (options.answer) return options.answer
      if (state.locked || form.get('refresh_token') !== state.refresh) {
        state.locked = true
        response.statusCode = 400
        return { error: 'invalid_grant' }
      }
      state.count += 1
      state.refresh = `refresh-${state.count}`
      state.access = `access-${state.count}`
      const { lifeSeconds = 3_600 } = options
      return { access_token: state.access, refresh_token: state.refresh, expires_in: lifeSeconds }
    }
    // Whoever uses a token has stored what comes after it.
    const isStored = state.stored === state.refresh
    if (call.headers.authorization === `Bearer ${state.access}` && isStored) return [{ id: 1 }]
    response.statusCode = 401
    return { error: isStored ? 'expired' : 'used before it was stored' }
  })
  const manifest = (more = '') =>
    manifestOf(`
config: {refresh_token: {secret: true}}
api: {base_url: "${api.url}"}
auth: {type: oauth2, grant: refresh_token, rotates: true, token_url: "${api.url}/token", refresh_token: "{{ config.refresh_token }}"${more}}
streams: {items: {path: /items}}
`)
  const clock = jumpingClock()
  const signIns = new SignIns({
    now: clock.now,
    wakeAt: () => () => {},
    secretsOf: () => ({ refresh_token: state.stored }),
    store: (_, secrets) => {
      state.stored = secrets.refresh_token ?? state.stored
    },
  })
  return { api, state, asked, manifest, clock, signIns }
}

type Rotating = Awaited<ReturnType<typeof startRotating>>
let workers = 0

/** A worker: its own client, and so its own session, and its own line. */
function makeWorker({ manifest, clock, signIns, state }: Rotating, more = '') {
  const http = makeHttpClient({ allowPrivateNetworks: true })
  t.teardown(() => http.close())
  const sourceId = `worker-${workers++}`
  return async (): Promise<unknown[]> => {
    const keeper = keeperOf({ sourceId }, (port) => {
      signIns.attach('src_1', port)
      port.unref()
    })
    const reader = makeStreamReader({
      manifest: manifest(more),
      streamName: 'items',
      // As its job was built: by now it may be old.
      config: { refresh_token: state.stored },
      http,
      clock,
      random: () => 0.5,
      keeper,
    })
    const rows: unknown[] = []
    const signal = new AbortController().signal
    for await (const page of reader.pages({ window: null, signal, onWait: () => {} }))
      rows.push(...page.records)
    return rows
  }
}

t.test(
  'many ranges in two workers use up one refresh token, and the next is stored first',
  async (t) => {
    const api = await startRotating()
    const [one, two] = [makeWorker(api), makeWorker(api)]
    const got = await Promise.all([one(), two(), one(), two(), one()])
    t.same(got, Array(5).fill([{ id: 1 }]))
    t.equal(api.state.count, 1)
    t.same(await Promise.all([one(), two()]), [[{ id: 1 }], [{ id: 1 }]])
    t.equal(api.state.count, 1, 'a job with the newer secret goes on in the same session')
  },
)

t.test('tokens that end are renewed, one after the other', async (t) => {
  const api = await startRotating({ lifeSeconds: 600 })
  const [one, two] = [makeWorker(api), makeWorker(api)]
  for (let round = 1; round <= 4; round++) {
    t.same(await Promise.all([one(), two()]), [[{ id: 1 }], [{ id: 1 }]])
    t.equal(api.state.count, round)
    await api.clock.sleep(590_000, new AbortController().signal)
  }
  api.state.access = 'ended-before-its-time'
  t.same(await Promise.all([one(), two()]), [[{ id: 1 }], [{ id: 1 }]])
  t.notOk(api.state.locked)
})

t.test(
  'revoked access is told, in the words of the standard and in those of the API',
  async (t) => {
    const api = await startRotating()
    api.state.refresh = 'another'
    const failure = await failureOf(makeWorker(api)())
    t.match(failure, { category: 'auth', code: 'auth.revoked', retryable: false })
    t.notMatch(JSON.stringify(failure), /refresh-0/)
    const own = await startRotating({ answer: { ok: false, error: 'token_revoked' } })
    const more = ', revoked_when: {if: "response?.error == \'token_revoked\'"}'
    t.match(await failureOf(makeWorker(own, more)()), { category: 'auth', code: 'auth.revoked' })
  },
)

t.test('where nobody could store the next token, none is used up', async (t) => {
  const { api, manifest, clock, state } = await startRotating()
  const http = makeHttpClient({ allowPrivateNetworks: true })
  t.teardown(() => http.close())
  const config = { refresh_token: state.stored }
  const options = { manifest: manifest(), streamName: 'items', config, http, clock }
  const reader = makeStreamReader({ ...options, random: () => 0.5 })
  const request = { window: null, signal: new AbortController().signal, onWait: () => {} }
  const failure = await failureOf(reader.pages(request)[Symbol.asyncIterator]().next())
  t.equal(failure.code, 'auth.not_kept')
  t.same(api.calls, [])
})

t.test("grants that end in a refresh token, and grants of an API's own", async (t) => {
  const api = await startRotating()
  const code = ', grant: authorization_code, authorize_url: "https://a.example", client_id: x'
  const manifest = api.manifest
  api.manifest = () => {
    const made = manifest()
    if (made.auth.type === 'oauth2')
      Object.assign(made.auth, { grant: 'authorization_code', client_id: 'x' })
    return made
  }
  t.same(await makeWorker(api, code)(), [{ id: 1 }])
  t.equal(api.asked[0]?.get('grant_type'), 'refresh_token')
  api.manifest = () => {
    const made = manifest()
    const own = { grant: 'custom', grant_name: 'urn:own', rotates: false, token_params: { a: 'b' } }
    if (made.auth.type === 'oauth2') Object.assign(made.auth, own)
    return made
  }
  await failureOf(makeWorker(api)())
  t.same(
    [...(api.asked[1] ?? [])],
    [
      ['grant_type', 'urn:own'],
      ['a', 'b'],
    ],
  )
})
