/**
 * P22: memory is bounded, however much an API sends and however long a destination stands still. More of it:
 * `node test/promises/memory.test.ts --megabytes 4000`. Linux only: memory comes from /proc.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import t, { type Test } from 'tap'
import { type Derrick, startDerrick } from '../support/derrick.ts'
import { startPostgres } from '../support/postgres.ts'
import { missingServices } from '../support/services.ts'
import { createConnection, createFiles, runToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

const { values } = parseArgs({ options: { megabytes: { type: 'string', default: '400' } } })
const megabytes = Number(values.megabytes)
t.setTimeout(60_000 + megabytes * 200)
const dayMs = 86_400_000
const atOnce = 4
const recordsOfPage = 1_000
const filler = 'x'.repeat(980)
const pagesOfDay = 5
/** Ranges that are read, and as many that wait for their commits. */
const mostUnderWay = 2 * atOnce
/** What the program may hold beside what it holds when idle: far less than what passes through it. */
const mostMb = 300
const sampleMs = 50
const linux = process.platform === 'linux' ? false : 'memory is read from /proc'

const manifest = `
derrick: 1
id: large_pages
name: Large pages
version: 1.0.0
config: {base_url: {required: true}}
api: {base_url: "{{ config.base_url }}"}
auth: {type: none}
check: {request: {path: /days}}
streams:
  days:
    path: /days
    key: [id]
    records: {at: data}
    paging: {type: cursor, name: page, at: next}
    window: {field: at, tracks: creation, end_filter: true, start: {name: since}, end: {name: until}, format: epoch_ms}
`

/** Pages of a megabyte each; counts what it was asked for. */
async function startLargePages(t: Test) {
  const asked = { pages: 0 }
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost')
    const page = Number(searchParams.get('page') ?? 1)
    const since = Number(searchParams.get('since'))
    const at = new Date(since).toISOString()
    const rows = Array.from(
      { length: recordsOfPage },
      (_, i) => `{"id":"${since / dayMs}-${page}-${i}","at":"${at}","text":"${filler}"}`,
    )
    const next = page < pagesOfDay ? `,"next":"${page + 1}"` : ''
    asked.pages += 1
    response.setHeader('content-type', 'application/json')
    response.end(`{"data":[${rows.join()}]${next}}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

async function openScene(
  t: Test,
  days: number,
  destination: (d: Derrick, home: string) => Promise<string>,
) {
  const home = tempDir('memory')
  const api = await startLargePages(t)
  const manifests = join(home.path, 'manifests')
  mkdirSync(manifests)
  writeFileSync(join(manifests, 'large_pages.yaml'), manifest)
  const derrick = await startDerrick({
    dataDir: join(home.path, 'data'),
    env: { DERRICK_MANIFESTS_DIR: manifests, DERRICK_WORKERS: '1' },
  })
  t.teardown(async () => {
    await derrick.kill9()
    home.remove()
  })
  const { id: source_id } = await derrick.api<{ id: string }>('POST', '/sources', {
    name: 'source',
    connector: 'large_pages',
    config: { base_url: api.url },
    start_date: new Date(Date.now() - days * dayMs).toISOString().slice(0, 10),
  })
  const destination_id = await destination(derrick, home.path)
  const connection = { name: 'it', source_id, destination_id, namespace: 'it' }
  const settings = { name: 'days', parallel_ranges: atOnce, lookback: '0' }
  const ids = await createConnection(derrick, connection, [settings])
  const id = ids.get('days') as string
  const sync = async (body: object = {}) =>
    (await derrick.api<{ id: string }>('POST', `/streams/${id}/sync`, body)).id
  return { derrick, asked: api.asked, sync, memory: watchMemory(t, derrick.child.pid) }
}

/** What the process holds on top of its files, in MB: at first, and the most since. */
function watchMemory(t: Test, pid: number) {
  const now = (): number => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024
  }
  const idle = now()
  let most = idle
  const timer = setInterval(() => {
    most = Math.max(most, now())
  }, sampleMs)
  t.teardown(() => clearInterval(timer))
  return { grown: () => Math.round(most - idle) }
}

t.test('an API that sends and sends: memory stands', { skip: linux }, async (t) => {
  const days = Math.ceil(megabytes / pagesOfDay)
  const scene = await openScene(t, days, (derrick, home) =>
    createFiles(derrick, join(home, 'files')),
  )
  const run = await runToEnd(scene.derrick, await scene.sync(), megabytes * 200)
  t.match(run, { status: 'complete', error: null })
  const sent = Math.round(run.bytes / 2 ** 20)
  t.ok(sent > mostMb, `${sent} MB were read`)
  t.ok(scene.memory.grown() < mostMb, `${scene.memory.grown()} MB were held`)
})

const needs = { skip: linux || missingServices('postgres') }
t.test(
  'a destination that stands still: reading stands, too, and goes on with it',
  needs,
  async (t) => {
    const postgres = await startPostgres()
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    t.teardown(async () => {
      await client.end().catch(() => {})
      await postgres.remove()
    })
    const days = 4 * atOnce
    const scene = await openScene(t, days, async (derrick) => {
      const config = { url: postgres.url }
      const body = { name: 'warehouse', type: 'postgres', config }
      return (await derrick.api<{ id: string }>('POST', '/destinations', body)).id
    })
    const first = Math.floor(Date.now() / dayMs - days) * dayMs
    const window = {
      from: new Date(first).toISOString(),
      to: new Date(first + dayMs).toISOString(),
    }
    t.match(await runToEnd(scene.derrick, await scene.sync(window)), { status: 'complete' })

    await client.query('begin; lock table it.days in access exclusive mode')
    scene.asked.pages = 0
    const run = await scene.sync()
    const full = mostUnderWay * pagesOfDay
    await waitFor('all that may be read', () => scene.asked.pages >= full)
    await client.query('select pg_sleep(2)')
    t.equal(scene.asked.pages, full, 'what is under way was read, and nothing beyond')
    await client.query('rollback')
    t.match(await runToEnd(scene.derrick, run), { status: 'complete', error: null })
    const { rows } = await client.query(
      'select count(*)::int as n, count(distinct id)::int as ids from it.days',
    )
    t.same(rows[0].n, rows[0].ids)
    t.ok(rows[0].n >= days * pagesOfDay * recordsOfPage, `${rows[0].n} rows`)
    t.ok(scene.memory.grown() < mostMb, `${scene.memory.grown()} MB were held`)
  },
)
