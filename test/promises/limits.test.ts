/** P18: one run a stream, and no more at once than is allowed, while triggers and limits come as they like. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Run } from '../../schema/run.ts'
import { countingManifest, startCountingApi } from '../support/counting-api.ts'
import { startDerrick } from '../support/derrick.ts'
import { createConnection, createFiles, runToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(120_000)
const dayMs = 86_400_000
const maxInFlight = 3
/** under each bound; more than were let go under the one before */
const requestsEach = 12

async function scene() {
  const home = tempDir('limits')
  t.teardown(() => home.remove())
  let inFlight = 0
  let most = 0
  const since = () => {
    most = inFlight
  }
  const api = await startCountingApi(async () => {
    inFlight += 1
    most = Math.max(most, inFlight)
    // An API with latency: what is sent at once is there at once.
    await delay(30)
    inFlight -= 1
    return null
  })
  t.teardown(() => api.close())
  const manifests = join(home.path, 'manifests')
  mkdirSync(manifests)
  writeFileSync(join(manifests, 'counting.yaml'), countingManifest('[]'))
  const derrick = await startDerrick({
    dataDir: join(home.path, 'data'),
    run: 'newest',
    env: { DERRICK_MANIFESTS_DIR: manifests, DERRICK_WORKERS: '2' },
  })
  t.teardown(() => derrick.kill9())
  const { id: source_id } = await derrick.api<{ id: string }>('POST', '/sources', {
    name: 'shop',
    connector: 'counting',
    config: { base_url: api.url },
    start_date: new Date(Date.now() - 60 * dayMs).toISOString(),
    limits: { max_in_flight: maxInFlight },
  })
  const destination_id = await createFiles(derrick, join(home.path, 'files'))
  const ids: string[] = []
  for (const name of ['one', 'two', 'three']) {
    const connection = { name, source_id, destination_id, namespace: name }
    const made = await createConnection(derrick, connection, [{ name: 'days', parallel_ranges: 8 }])
    ids.push(...made.values())
  }
  return { derrick, ids, source_id, api, inFlight: () => inFlight, most: () => most, since }
}

const { derrick, ids, most, ...apis } = await scene()
const trigger = (id: string) =>
  derrick.api<Run & { joined?: boolean }>('POST', `/streams/${id}/sync`, {})

t.test('fifty triggers at once make one run', async (t) => {
  const [first = ''] = ids
  const runs = await Promise.all(Array.from({ length: 50 }, () => trigger(first)))
  t.equal(new Set(runs.map(({ id }) => id)).size, 1)
  t.equal((await runToEnd(derrick, runs[0]?.id ?? '')).status, 'complete')
})

t.test('requests in flight stay under the bound of their source', async (t) => {
  const runs = await Promise.all(ids.map(trigger))
  // Limits change while they run; more syncs at once never mean more requests at once.
  for (const max of [1, 8, 2, 4]) {
    await derrick.api('PATCH', '/settings', {
      max_concurrent_syncs: max,
      max_concurrent_syncs_per_source: max,
    })
    const { scheduler } = await derrick.api<{ scheduler: { global: { limit: number } } }>(
      'GET',
      '/status',
    )
    t.equal(scheduler.global.limit, max)
  }
  for (const { id } of runs) t.equal((await runToEnd(derrick, id)).status, 'complete')
  t.equal(most(), maxInFlight, 'the bound is met, and not exceeded')
})

t.test('the bound of a source changes while it is read: it holds from then on', async (t) => {
  const resync = async (id: string) => {
    const body = { action: 'resync', from: null }
    return (await derrick.api<{ run_id: string }>('POST', `/streams/${id}/ranges`, body)).run_id
  }
  const runs = await Promise.all(ids.map(resync))
  for (const max_in_flight of [6, 1, 5, 2]) {
    await derrick.api('PATCH', `/sources/${apis.source_id}`, { limits: { max_in_flight } })
    const more = async (what: string) => {
      const before = apis.api.seen.length
      await waitFor(what, () => apis.api.seen.length >= before + requestsEach)
    }
    await more('those that were let go before')
    await waitFor('them to end', () => apis.inFlight() <= max_in_flight)
    apis.since()
    await more('requests under the bound')
    t.ok(most() <= max_in_flight, `${most()} of ${max_in_flight} at once`)
  }
  await derrick.api('PATCH', `/sources/${apis.source_id}`, {
    limits: { max_in_flight: maxInFlight },
  })
  for (const id of runs) t.equal((await runToEnd(derrick, id)).status, 'complete')
})

t.test('no permit is lost on the way', async (t) => {
  for (let i = 0; i < 5; i++) {
    const runs = await Promise.all(ids.map(trigger))
    for (const { id } of runs) t.equal((await runToEnd(derrick, id)).status, 'complete')
  }
  await waitFor('all permits to be back', async () => {
    const { scheduler } = await derrick.api<{ scheduler: { global: { in_use: number } } }>(
      'GET',
      '/status',
    )
    return scheduler.global.in_use === 0
  })
})
