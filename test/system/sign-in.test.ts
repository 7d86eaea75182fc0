/** A refresh token that changes with each use outlives two workers, a check, previews, the life of its tokens and a kill. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { CheckResult } from '../../schema/destination.ts'
import type { PreviewReport } from '../../schema/preview.ts'
import type { Source } from '../../schema/source.ts'
import { startApi } from '../actors/connectors/test-api.ts'
import { startDerrick } from '../support/derrick.ts'
import { createConnection, createFiles, runToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(120_000)
const dayMs = 86_400_000

/** Tokens live for many more requests than are under way at a time; a refresh token that comes twice locks the account for good. */
const requestsOfToken = 60
const state = { refresh: 'refresh-token-number-0', access: '', left: 0, count: 0, locked: false }

const api = await startApi(({ path, query, body, headers }, response) => {
  if (path === '/token') {
    const given = new URLSearchParams(body).get('refresh_token')
    state.locked ||= given !== state.refresh
    response.statusCode = state.locked ? 400 : 200
    if (state.locked) return { error: 'invalid_grant' }
    state.count += 1
    Object.assign(state, {
      refresh: `refresh-token-number-${state.count}`,
      access: `access-token-number-${state.count}`,
      left: requestsOfToken,
    })
    return { access_token: state.access, refresh_token: state.refresh, expires_in: 3_600 }
  }
  state.left -= 1
  if (headers.authorization !== `Bearer ${state.access}` || state.left < 0) {
    response.statusCode = 401
    return { error: `${headers.authorization} is not valid any more` }
  }
  const since = Number(query.get('since') ?? 0)
  return { data: [{ id: `r${since}`, at: new Date(since).toISOString() }] }
})

const manifest = `
derrick: 1
id: rotating
version: 1.0.0
config: {refresh_token: {secret: true, required: true}}
api: {base_url: "${api.url}"}
auth: {type: oauth2, grant: refresh_token, rotates: true, token_url: "${api.url}/token", refresh_token: "{{ config.refresh_token }}"}
streams:
  days:
    path: /days
    records: {at: data}
    key: [id]
    window: {field: at, tracks: creation, end_filter: true, start: {name: since}, end: {name: until}, format: epoch_ms}
`

const home = tempDir('sign-in')
t.teardown(() => home[Symbol.dispose]())
const manifests = join(home.path, 'manifests')
mkdirSync(manifests)
writeFileSync(join(manifests, 'rotating.yaml'), manifest)
const env = { DERRICK_WORKERS: '2', DERRICK_MANIFESTS_DIR: manifests }
const options = { dataDir: join(home.path, 'data'), env, run: 'newest' as const }
const files = join(home.path, 'files')

t.test('two workers, a check and a kill use each refresh token once', async (t) => {
  const derrick = await startDerrick(options)
  t.teardown(() => derrick.kill9())
  const config = { refresh_token: state.refresh }
  const unsaved = await derrick.api<CheckResult>('POST', '/sources/check', {
    connector: 'rotating',
    config,
  })
  t.match(
    unsaved.steps.at(-1),
    { ok: false, remedy: /save the source/ },
    'nothing is used up in vain',
  )
  t.equal(state.count, 0)
  const source = await derrick.api<Source>('POST', '/sources', {
    name: 'shop',
    connector: 'rotating',
    config,
    start_date: new Date(Date.now() - 200 * dayMs).toISOString(),
  })
  t.ok((await derrick.api<CheckResult>('POST', `/sources/${source.id}/check`)).ok)
  const preview = () =>
    derrick.api<PreviewReport>('POST', `/sources/${source.id}/preview`, { stream: 'days' })
  const known = await preview()
  t.match(
    [known.failure, known.pages.length > 0, state.count],
    [null, true, 1],
    'with a known token',
  )
  state.left = 0
  const renewed = await preview()
  t.match(
    [renewed.failure, renewed.pages.length > 0, state.count],
    [null, true, 2],
    'with a new one',
  )
  t.notMatch(JSON.stringify([known, renewed]), /(refresh|access)-token-number/)
  const destination_id = await createFiles(derrick, files)
  const connection = { name: 'shop', source_id: source.id, destination_id, namespace: 'shop' }
  const [id] = (
    await createConnection(derrick, connection, [{ name: 'days', parallel_ranges: 8 }])
  ).values()
  const sync = async (on: typeof derrick) => {
    const run = await on.api<{ id: string }>('POST', `/streams/${id}/sync`, {})
    return (await runToEnd(on, run.id)).status
  }
  t.equal(await sync(derrick), 'complete')
  t.ok(state.count >= 3, `${state.count} tokens`)
  await derrick.kill9()
  const again = await startDerrick({ ...options, apiKey: derrick.apiKey })
  t.teardown(() => again.kill9())
  // A token of before the kill is not remembered: the stored refresh token must be the newest.
  t.equal(await sync(again), 'complete')
  t.notOk(state.locked)
  const told = JSON.stringify(await again.api('GET', `/sources/${source.id}`))
  for (const text of [derrick.log(), again.log(), told])
    t.notMatch(text, /(refresh|access)-token-number/)
  const stored = readdirSync(options.dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  t.notOk(
    stored.some((text) => /(refresh|access)-token-number/.test(text)),
    'sealed wherever it is',
  )
})
