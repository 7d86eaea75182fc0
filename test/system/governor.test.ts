/** Limits of an API hold over all workers, also after a kill; what it asks for is obeyed by all of them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Run } from '../../schema/run.ts'
import {
  type Answerer,
  countingManifest,
  mostWithin,
  startCountingApi,
} from '../support/counting-api.ts'
import { type Derrick, startDerrick } from '../support/derrick.ts'
import { runDerrick } from '../support/run-derrick.ts'
import { createConnection, createFiles, runToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(180_000)
const dayMs = 86_400_000

/** Two streams of one source, dozens of ranges each, read by two workers. */
async function scene(t: Test, limits: string, days: number, answer?: Answerer) {
  const home = tempDir('governor')
  t.teardown(() => home[Symbol.dispose]())
  const api = await startCountingApi(answer)
  t.teardown(() => api.close())
  const manifests = join(home.path, 'manifests')
  mkdirSync(manifests)
  writeFileSync(join(manifests, 'counting.yaml'), countingManifest(limits))
  const env = { DERRICK_WORKERS: '2', DERRICK_MANIFESTS_DIR: manifests }
  const options = { dataDir: join(home.path, 'data'), env, run: 'newest' as const }
  const derrick = await startDerrick(options)
  t.teardown(() => derrick.kill9())
  const { id: source_id } = await derrick.api<{ id: string }>('POST', '/sources', {
    name: 'shop',
    connector: 'counting',
    config: { base_url: api.url },
    start_date: new Date(Date.now() - days * dayMs).toISOString(),
  })
  const destination_id = await createFiles(derrick, join(home.path, 'files'))
  const connection = { name: 'shop', source_id, destination_id, namespace: 'shop' }
  const stream = { parallel_ranges: 8 }
  const streams = ['days', 'more'].map((name) => ({ name, ...stream }))
  const ids = [...(await createConnection(derrick, connection, streams)).values()]
  const restart = async () => {
    const again = await startDerrick({ ...options, apiKey: derrick.apiKey })
    t.teardown(() => again.kill9())
    return again
  }
  return { api, derrick, ids, restart, sourceId: source_id }
}

const sync = async (derrick: Derrick, ids: string[]): Promise<string[]> =>
  Promise.all(ids.map(async (id) => (await derrick.api<Run>('POST', `/streams/${id}/sync`, {})).id))

t.test('a limit holds over two workers and is used', async (t) => {
  const { api, derrick, ids } = await scene(t, '[{requests: 20, per: 1s}]', 60)
  const runs = await sync(derrick, ids)
  const ended = await Promise.all(runs.map((id) => runToEnd(derrick, id)))
  t.same(
    ended.map(({ status }) => status),
    ['complete', 'complete'],
  )
  t.ok(api.seen.length >= 120, `${api.seen.length} requests`)
  t.ok(mostWithin(api.seen, 1_000) <= 20, `${mostWithin(api.seen, 1_000)} in a second`)
  const took = (api.seen.at(-1)?.at ?? 0) - (api.seen[0]?.at ?? 0)
  t.ok(took < 2 * (api.seen.length / 20) * 1_000, `${api.seen.length} requests in ${took} ms`)
})

t.test('a long window is told to people, and a kill does not spend it twice', async (t) => {
  const limits = '[{name: burst, requests: 12, per: 20s}]'
  const { api, derrick, ids, restart } = await scene(t, limits, 30)
  const [run = ''] = await sync(derrick, ids)
  const reason = await waitFor(
    'the wait to show',
    async () => (await derrick.api<Run>('GET', `/runs/${run}`)).waiting_for,
  )
  t.match(reason, /^shop's burst limit \(\d+ s\)$/)
  const { stdout } = await runDerrick(['status'], {
    DERRICK_URL: derrick.url,
    DERRICK_API_KEY: derrick.apiKey,
  })
  t.match(stdout, /running, waiting: shop's burst limit \(\d+ s\)/, 'derrick status says it too')
  await waitFor('the window to be used up', () => api.seen.length === 12)
  await derrick.kill9()
  const again = await restart()
  await sync(again, ids)
  await waitFor('the next window', () => api.seen.length > 12, { withinMs: 60_000 })
  t.ok(mostWithin(api.seen, 20_000) <= 12, `${mostWithin(api.seen, 20_000)} in 20 s`)
})

t.test('a pause that one answer asks for is obeyed by all ranges, and stored', async (t) => {
  let asked = 0
  const answer: Answerer = ({ at }, response) => {
    if (api.seen.length < 20 || asked > 0) return null
    asked = at
    response.writeHead(429, { 'retry-after': '4' }).end()
    return 429
  }
  const { api, derrick, ids } = await scene(t, '[]', 60, answer)
  const runs = await sync(derrick, ids)
  await waitFor('the API to ask for a pause', () => asked > 0)
  const waiting = await waitFor(
    'the pause to show',
    async () => (await derrick.api<Run>('GET', `/runs/${runs[0]}`)).waiting_for,
  )
  t.match(waiting, /asked to wait/)
  await Promise.all(runs.map((id) => runToEnd(derrick, id)))
  // Those that were under way when it was asked, and a moment for it to get about.
  const during = api.seen.filter(({ at }) => at > asked + 500 && at < asked + 3_900)
  t.equal(during.length, 0)
})
