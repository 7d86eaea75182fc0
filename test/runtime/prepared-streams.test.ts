import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeConfiguration } from '../../runtime/configuration.ts'
import { openConnectors } from '../../runtime/connectors.ts'
import { buildJob } from '../../runtime/engine/job.ts'
import { makeSourceSecrets } from '../../runtime/source-secrets.ts'
import { openDatabase } from '../../runtime/store/database.ts'
import { openSecretBox } from '../../runtime/store/secrets.ts'
import { makeStores } from '../../runtime/store/stores.ts'
import { failure } from '../../schema/error.ts'
import { loadManifest } from '../../schema/manifest/load.ts'
import { tempDir } from '../support/temp-dir.ts'

const manifest = (path: string) => `derrick: 1
id: mine
name: Mine
version: 1.0.0
config: {token: {secret: true}, refresh: {secret: true}}
api: {base_url: https://api.example.com}
auth:
  type: oauth2
  grant: refresh_token
  rotates: true
  token_url: https://api.example.com/token
  refresh_token: "{{ config.refresh }}"
streams:
  things: {path: ${path}, records: {at: data}, key: [id]}
`

/** A stream as the API stores it, seen by an engine on the other connection. */
async function opened(test: Pick<typeof t, 'teardown'>) {
  const dir = tempDir('prepared')
  const db = openDatabase(dir.path)
  test.teardown(() => {
    db.close()
    dir.remove()
  })
  const [api, ledger] = [makeStores(db.full), makeStores(db.normal)]
  const secrets = openSecretBox(db.full, dir.path)
  writeFileSync(join(dir.path, 'mine.yaml'), manifest('/things'))
  const connectors = openConnectors(dir.path)
  await connectors.refresh()
  const at = { createdAt: 1, updatedAt: 1, version: 1 }
  const workspaceId = 'ws_1'
  const owner = { kind: 'source' as const, id: 'src_1' }
  const sealed = (token: string, refresh: string) =>
    secrets.sealConfig(owner, { token, refresh }, new Set(['token', 'refresh']))
  api.workspaces.insert({ id: workspaceId, name: 'default', createdAt: 1 })
  api.sources.insert({
    ...at,
    id: 'src_1',
    workspaceId,
    name: 'shop',
    connector: 'mine',
    config: sealed('first', 'r0'),
    startDate: '2026-01-01',
    timezone: 'UTC',
    limits: {},
    state: 'active',
    stateReason: null,
    pausedUntil: null,
  })
  api.destinations.insert({
    ...at,
    id: 'dst_1',
    workspaceId,
    name: 'files',
    type: 'local_file',
    config: { path: '/first' },
  })
  api.connections.insert({
    ...at,
    id: 'con_1',
    workspaceId,
    name: 'shop',
    sourceId: 'src_1',
    destinationId: 'dst_1',
    namespace: 'shop',
    streamPrefix: '',
  })
  const insert = db.full.prepare(
    `insert into streams (id, workspace_id, connection_id, name, source_stream, primary_key, sync_strategy,
       sync_granularity, schedule_timezone, retry, parallel_ranges, write_mode, deletes, enabled, created_at, updated_at)
     values (?, 'ws_1', 'con_1', ?, 'things', '["id"]', 'newest_first', 'day', 'UTC', '{}', '1', 'upsert', 'keep', 1, 0, 0)`,
  )
  insert.run('str_1', 'things')
  const config = makeConfiguration({ ...ledger, connectors, secrets })
  const stream = () => config.stream('str_1')
  const inputs = () => config.jobInputs('str_1')
  return { dir, db, api, ledger, secrets, connectors, config, sealed, stream, inputs, insert }
}

t.test('what nobody changes is prepared once', async (t) => {
  const { stream, inputs, ledger } = await opened(t)
  t.equal(inputs(), inputs())
  ledger.ranges.insertFull('str_1')
  t.equal(stream()?.counts.pending, 1, 'what the engine moves is always as it is')
  t.equal(inputs(), inputs())
})

t.test('each edit is seen by the next look', async (t) => {
  const { stream, inputs, api, sealed } = await opened(t)
  stream()
  const source = api.sources.get('ws_1', 'src_1')
  const destination = api.destinations.get('ws_1', 'dst_1')
  const connection = api.connections.get('ws_1', 'con_1')
  const row = api.streams.get('ws_1', 'str_1')
  if (!source || !destination || !connection || !row) throw new Error('nothing was stored')
  t.match(inputs(), { sourceConfig: { token: 'first' }, destinationConfig: { path: '/first' } })

  api.sources.save({ ...source, config: sealed('second', 'r0'), timezone: 'Asia/Tokyo' })
  t.match(inputs().sourceConfig, { token: 'second' })
  t.equal(stream()?.source.zone, 'Asia/Tokyo')

  api.destinations.save({ ...destination, config: { path: '/second' } })
  t.match(inputs().destinationConfig, { path: '/second' })
  t.equal(stream()?.destination.version, 2)

  api.connections.save({ ...connection, namespace: 'other' })
  t.equal(stream()?.target.namespace, 'other')

  api.streams.save({ ...row, parallelRanges: 7, enabled: false })
  t.match(stream(), { parallelRanges: 7, enabled: false })

  api.workspaces.rename('ws_1', 'renamed')
  t.equal(stream()?.workspaceName, 'renamed')
})

t.test('a job is built of the edit, not of what was built before', async (t) => {
  const { stream, inputs, api, ledger } = await opened(t)
  ledger.ranges.insertFull('str_1')
  const range = ledger.ranges.full('str_1')
  const place = { spoolDir: '/spool', allowPrivateNetworks: false, now: () => 1 }
  const job = () => {
    const context = stream()
    if (!context || !range) throw new Error('nothing was stored')
    return buildJob(context, range, 'run_1', inputs(), place)
  }
  t.equal(job().target, job().target, 'ranges share what is the same')
  const connection = api.connections.get('ws_1', 'con_1')
  if (connection) api.connections.save({ ...connection, streamPrefix: 'new_' })
  t.equal(job().target.table, 'new_things')
})

t.test('secrets that their API changes are seen, though they raise no version', async (t) => {
  const { inputs, api, connectors, secrets } = await opened(t)
  const before = inputs()
  t.match(before.sourceConfig, { refresh: 'r0' })
  makeSourceSecrets(api.sources, connectors, secrets).store('src_1', { refresh: 'r1' })
  t.match(inputs().sourceConfig, { refresh: 'r1', token: 'first' })
})

t.test('a manifest that was edited, broken or taken away is seen', async (t) => {
  const { dir, inputs, stream, connectors } = await opened(t)
  t.equal(inputs().manifest.streams.things?.path, '/things')
  writeFileSync(join(dir.path, 'mine.yaml'), manifest('/elsewhere'))
  await connectors.refresh()
  t.equal(inputs().manifest.streams.things?.path, '/elsewhere')
  t.notOk(stream()?.connector.missing)
})

t.test('a connector that comes later is found', async (t) => {
  const { ledger, secrets } = await opened(t)
  let found = loadManifest(manifest('/x'), 'mine.yaml').manifest
  const late = found
  found = undefined
  const connectors = { ...openConnectors(), manifest: () => found }
  const config = makeConfiguration({ ...ledger, connectors, secrets })
  t.match(config.stream('str_1')?.connector, { missing: { code: 'connector.missing' } })
  t.throws(() => config.jobInputs('str_1'), { message: /missing or broken/ })
  found = late
  t.equal(config.stream('str_1')?.connector.missing, undefined)
  t.equal(config.jobInputs('str_1').manifest, late)
})

t.test('what the engine pauses or holds is seen at once', async (t) => {
  const { config, stream, inputs } = await opened(t)
  const before = inputs()
  const reason = failure('auth', 'x.y', 'no')
  config.pauseStream('str_1', reason)
  config.pauseSource('src_1', reason)
  config.setSourcePausedUntil('src_1', 99)
  config.setHeldLanes('str_1', 6)
  config.setScheduledAt('str_1', 5)
  config.saveFrontier('str_1', { from: 1, to: 2 })
  t.match(stream(), {
    pausedReason: { code: 'x.y' },
    source: { paused: true, pausedReason: { code: 'x.y' }, pausedUntil: 99 },
    heldLanes: 6,
    lastScheduledAt: 5,
    frontier: { from: 1, to: 2 },
  })
  t.equal(inputs(), before)
})

t.test('a deleted stream is gone, and so few are kept that memory has a bound', async (t) => {
  const { api, config, stream, inputs, insert, db } = await opened(t)
  const first = inputs()
  db.full.transaction(() => {
    for (let i = 0; i < 1_000; i += 1) insert.run(`str_x${i}`, `t${i}`)
  })()
  for (let i = 0; i < 1_000; i += 1) config.stream(`str_x${i}`)
  t.not(inputs(), first, 'the one that was used least lately was forgotten')
  api.streams.delete('ws_1', 'str_1')
  t.equal(stream(), undefined)
  t.throws(() => inputs(), { message: /was deleted/ })
})
