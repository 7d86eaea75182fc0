/** A cancel is answered in whatever a run does, leaves nothing behind, and the next sync reads all. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Range } from '../../schema/range.ts'
import type { Run } from '../../schema/run.ts'
import { type Answerer, countingManifest, startCountingApi } from '../support/counting-api.ts'
import { type Derrick, startDerrick } from '../support/derrick.ts'
import { startPostgres } from '../support/postgres.ts'
import { missingServices } from '../support/services.ts'
import { createConnection, createFiles, syncToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(240_000)
const dayMs = 86_400_000
/** A second is the promise; a loaded machine takes longer to tell of it. */
const cancelMs = 5_000

const home = tempDir('cancel')
t.teardown(() => home.remove())
const manifests = join(home.path, 'manifests')
mkdirSync(manifests)
const connector = (id: string, limits: string, retry?: string) => {
  const text = countingManifest(limits, retry).replace('id: counting', `id: ${id}`)
  writeFileSync(join(manifests, `${id}.yaml`), text)
}
connector('quick', '[]')
connector('slow_retry', '[]', '{attempts: 5, base: 60s, jitter: false}')
connector('limited', '[{requests: 1, per: 10m}]')
const derrick: Derrick = await startDerrick({
  dataDir: join(home.path, 'data'),
  run: 'newest',
  env: { DERRICK_MANIFESTS_DIR: manifests, DERRICK_WORKERS: '2' },
})
t.teardown(() => derrick.kill9())

const files = await createFiles(derrick, join(home.path, 'files'))
let names = 0

/** A stream of three days; the API answers as told until `mend` is called. */
async function scene(t: Test, answer: Answerer, connectorId = 'quick', destination_id = files) {
  let isMended = false
  const api = await startCountingApi((request, response) =>
    isMended ? null : answer(request, response),
  )
  t.teardown(() => api.close())
  const name = `scene${names++}`
  const { id: source_id } = await derrick.api<{ id: string }>('POST', '/sources', {
    name,
    connector: connectorId,
    config: { base_url: api.url },
    start_date: new Date(Date.now() - 3 * dayMs).toISOString(),
  })
  const connection = { name, source_id, destination_id, namespace: name }
  const retry = { max_attempts: 5, backoff_seconds: 20 }
  const ids = await createConnection(derrick, connection, [{ name: 'days', retry }])
  const streamId = [...ids.values()][0] as string
  const start = async () => (await derrick.api<Run>('POST', `/streams/${streamId}/sync`, {})).id
  return { api, streamId, start, mend: () => (isMended = true), name }
}

/** Cancels, and looks at what is left. */
async function cancelled(t: Test, streamId: string, runId: string): Promise<void> {
  const begun = performance.now()
  await derrick.api('POST', `/streams/${streamId}/cancel`)
  const run = await waitFor(
    'the run to be cancelled',
    async () => {
      const now = await derrick.api<Run>('GET', `/runs/${runId}`)
      return now.finished_at === null ? null : now
    },
    { withinMs: cancelMs },
  )
  t.comment(`cancelled within ${Math.round(performance.now() - begun)} ms`)
  t.equal(run.status, 'cancelled')
  const { data } = await derrick.api<{ data: Range[] }>('GET', `/streams/${streamId}/ranges`)
  t.ok(data.every(({ status }) => status !== 'running'))
  const { scheduler } = await derrick.api<{ scheduler: { global: { in_use: number } } }>(
    'GET',
    '/status',
  )
  t.equal(scheduler.global.in_use, 0)
}

/** Afterwards everything can be read: nothing is held by what was cancelled. */
async function goesOn(t: Test, streamId: string): Promise<void> {
  t.equal((await syncToEnd(derrick, streamId)).status, 'complete')
}

t.test('in the back-off of a request', async (t) => {
  const { api, start, streamId, mend } = await scene(
    t,
    (_request, response) => {
      response.writeHead(500).end()
      return 500
    },
    'slow_retry',
  )
  const run = await start()
  await waitFor('a request to fail', () => api.seen.some(({ status }) => status === 500))
  await cancelled(t, streamId, run)
  mend()
  await goesOn(t, streamId)
})

t.test('in a body that stalls, and before any answer', async (t) => {
  for (const isBody of [true, false]) {
    const { api, start, streamId, mend } = await scene(t, (_request, response) => {
      if (isBody) response.writeHead(200).write('{"data": [')
      return new Promise(() => {})
    })
    const run = await start()
    await waitFor('a request', () => api.seen.length > 0)
    await cancelled(t, streamId, run)
    mend()
    await goesOn(t, streamId)
  }
})

t.test('in a wait for a rate limit', async (t) => {
  const { api, start, streamId } = await scene(t, () => null, 'limited')
  const run = await start()
  await waitFor('the first request', () => api.seen.length === 1)
  await waitFor('the wait to show', async () =>
    (await derrick.api<Run>('GET', `/runs/${run}`)).waiting_for?.includes(
      '1 request in 10 minutes',
    ),
  )
  await cancelled(t, streamId, run)
  t.equal(api.seen.length, 1)
})

t.test('in a pause that the API asked for', async (t) => {
  const { api, start, streamId } = await scene(t, (_request, response) => {
    response.writeHead(429, { 'retry-after': '120' }).end()
    return 429
  })
  const run = await start()
  await waitFor('the API to ask', () => api.seen.length > 0)
  await waitFor(
    'the wait to show',
    async () => (await derrick.api<Run>('GET', `/runs/${run}`)).waiting_for,
  )
  await cancelled(t, streamId, run)
})

t.test('in a wait for the next try of failed ranges', async (t) => {
  const { start, streamId, mend } = await scene(t, (_request, response) => {
    response.writeHead(404).end()
    return 404
  })
  const run = await start()
  await waitFor('the final pass', async () =>
    (await derrick.api<Run>('GET', `/runs/${run}`)).waiting_for?.includes('tried again'),
  )
  await cancelled(t, streamId, run)
  mend()
  await goesOn(t, streamId)
})

t.test('in a queue', async (t) => {
  await derrick.api('PATCH', '/settings', { max_concurrent_syncs: 1 })
  const hold: Answerer = () => new Promise(() => {})
  const [first, second] = [await scene(t, hold), await scene(t, hold)]
  const held = await first.start()
  await waitFor('the permit to be taken', () => first.api.seen.length > 0)
  const queued = await second.start()
  await derrick.api('POST', `/streams/${second.streamId}/cancel`)
  await waitFor(
    'the queued run to end',
    async () => (await derrick.api<Run>('GET', `/runs/${queued}`)).status === 'cancelled',
  )
  t.equal(second.api.seen.length, 0)
  await cancelled(t, first.streamId, held)
  await derrick.api('PATCH', '/settings', { max_concurrent_syncs: 4 })
})

t.test(
  'in a commit that waits for a lock, before its durable start',
  { skip: missingServices('postgres') },
  async (t) => {
    const server = await startPostgres()
    t.teardown(() => server.remove())
    const look = new pg.Client({ connectionString: server.url })
    const lock = new pg.Client({ connectionString: server.url })
    await Promise.all([look.connect(), lock.connect()])
    t.teardown(() => Promise.all([look.end(), lock.end()]))
    const { id } = await derrick.api<{ id: string }>('POST', '/destinations', {
      name: 'warehouse',
      type: 'postgres',
      config: { url: server.url },
    })
    const { start, streamId, name } = await scene(t, () => null, 'quick', id)
    await goesOn(t, streamId)
    const rows = async () =>
      (await look.query(`select count(*)::int as n from "${name}"."days"`)).rows[0]?.n
    const before = await rows()
    await lock.query(`begin; lock table "${name}"."days" in exclusive mode`)
    const run = await start()
    await waitFor('the commit to wait for the lock', async () => {
      const waiting = await look.query(`select count(*)::int as n from pg_locks where not granted`)
      return waiting.rows[0]?.n > 0
    })
    await cancelled(t, streamId, run)
    await lock.query('rollback')
    t.equal(await rows(), before)
    await goesOn(t, streamId)
  },
)
