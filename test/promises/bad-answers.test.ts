/** P8, P33, P34: whatever an API answers, what was committed stays, loops of pages end, one bad record keeps none of the others. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Range } from '../../schema/range.ts'
import type { Run } from '../../schema/run.ts'
import { readTable } from '../kill/file-records.ts'
import { startDerrick } from '../support/derrick.ts'
import { createConnection, createFiles, runToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(120_000)
const dayMs = 86_400_000
const recordsOfPage = 50
const pages = 3
const mostRequests = 40

const manifest = `
derrick: 1
id: moody
name: Moody
version: 1.0.0
config: {base_url: {required: true}}
api: {base_url: "{{ config.base_url }}"}
auth: {type: none}
check: {request: {path: /things}}
streams:
  things:
    path: /things
    key: [id]
    retry: {attempts: 1, base: 10ms}
    records: {at: data}
    paging: {type: cursor, name: page, at: next}
    window: {field: at, tracks: creation, end_filter: true, start: {name: since}, end: {name: until}, format: epoch_ms}
`

type Body = { data: unknown[]; next?: string }
/** What becomes of a page's answer; null answers well. */
type Mood = ((page: number, body: Body, response: ServerResponse) => unknown) | null

/** Three pages for the day before yesterday, nothing for any other day. */
async function startMoodyApi() {
  const state = { mood: null as Mood, requests: 0 }
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost')
    const page = Number(searchParams.get('page') ?? 1)
    const since = Number(searchParams.get('since'))
    state.requests += 1
    const isTheDay = since === theDay
    const at = new Date(since).toISOString()
    const ids = Array.from({ length: isTheDay ? recordsOfPage : 0 }, (_, i) => `${page}-${i}`)
    const body: Body = { data: ids.map((id) => ({ id, at })) }
    if (isTheDay && page < pages) body.next = String(page + 1)
    const answer = isTheDay && state.mood ? state.mood(page, body, response) : body
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const theDay = Math.floor(Date.now() / dayMs - 2) * dayMs
const home = tempDir('bad-answers')
t.teardown(() => home.remove())
const { state, url } = await startMoodyApi()
const manifests = join(home.path, 'manifests')
mkdirSync(manifests)
writeFileSync(join(manifests, 'moody.yaml'), manifest)
const derrick = await startDerrick({
  dataDir: join(home.path, 'data'),
  env: { DERRICK_MANIFESTS_DIR: manifests, DERRICK_WORKERS: '1' },
})
t.teardown(() => derrick.kill9())
const { id: source_id } = await derrick.api<{ id: string }>('POST', '/sources', {
  name: 'moody',
  connector: 'moody',
  config: { base_url: url },
  start_date: new Date(theDay).toISOString().slice(0, 10),
})
const destination_id = await createFiles(derrick, join(home.path, 'files'))
const connection = { name: 'it', source_id, destination_id, namespace: 'it' }
const retry = { max_attempts: 1, backoff_seconds: 0.1 }
const streams = await createConnection(derrick, connection, [{ name: 'things', retry }])
const id = streams.get('things') as string

const window = {
  from: new Date(theDay).toISOString(),
  to: new Date(theDay + dayMs).toISOString(),
}
const read = async (): Promise<Run> => {
  state.requests = 0
  const body = { action: 'resync', ...window }
  const path = `/streams/${id}/ranges`
  const { run_id } = await derrick.api<{ run_id: string }>('POST', path, body)
  return runToEnd(derrick, run_id)
}
/** What is there, with when it was written. */
const there = (): string => {
  const rows = [...readTable(join(home.path, 'files', 'it', 'things')).ranges.values()]
  return JSON.stringify(
    rows.flatMap((range) => range.rows).sort((a, b) => (a.key < b.key ? -1 : 1)),
  )
}
const theRange = async (): Promise<Range> => {
  const { data } = await derrick.api<{ data: Range[] }>('GET', `/streams/${id}/ranges?limit=50`)
  return data.find(({ start }) => Date.parse(start ?? '') === theDay) as Range
}

const isLast = (page: number): boolean => page === pages
const status =
  (code: number): Mood =>
  (page, body, response) => {
    if (!isLast(page)) return body
    response.statusCode = code
    return '{"error":"no"}'
  }
const lastly =
  (answer: string | Body): Mood =>
  (page, body) =>
    isLast(page) ? answer : body

const bad: [what: string, mood: Mood, failure: object][] = [
  ['an error on the last page', status(500), { category: 'network' }],
  ['half of the last page', lastly('{"data":[{"id":"1","a'), { category: /network|transform/ }],
  ['a page to sign in, with 200', lastly('<html>sign in</html>'), {}],
  ['records under another name', lastly('{"items":[]}'), { category: 'transform' }],
  ['nothing at all', lastly(''), {}],
  ['a refusal on the last page', status(403), { category: /auth|unknown/ }],
]

const ids = (await derrick.api<Run>('POST', `/streams/${id}/sync`, {})).id
t.test('first all is well', async (t) => {
  t.match(await runToEnd(derrick, ids), { status: 'complete' })
  t.equal(JSON.parse(there()).length, pages * recordsOfPage)
})

for (const [what, mood, failure] of bad) {
  t.test(`${what} takes nothing away`, async (t) => {
    const before = there()
    const { committed_at } = await theRange()
    state.mood = mood
    const run = await read()
    t.not(run.status, 'complete')
    t.match(run.error, failure)
    t.equal(there(), before)
    t.match(await theRange(), { committed_at })
    state.mood = null
    await derrick.api('PATCH', `/sources/${source_id}`, { state: 'active' })
    t.match(await read(), { status: 'complete' }, 'and nothing is stuck')
  })
}

t.test('far fewer records than before take nothing away when they are seen once', async (t) => {
  const before = there()
  state.mood = () => ({ data: [] })
  await read()
  t.equal(there(), before)
  state.mood = null
  t.match(await read(), { status: 'complete' })
})

const loops: [what: string, next: (page: number) => string][] = [
  ['the same page again and again', () => '2'],
  ['two pages that lead to each other', (page) => (page === 2 ? '3' : '2')],
]
for (const [what, next] of loops) {
  t.test(`${what} ends`, async (t) => {
    const before = there()
    state.mood = (page, body) => ({ ...body, next: next(page) })
    t.match(await read(), { error: { category: 'transform' } })
    t.ok(state.requests < mostRequests, `${state.requests} requests`)
    t.equal(there(), before)
    state.mood = null
  })
}

t.test('one bad record: all others land, and it is told', async (t) => {
  state.mood = (page, body) =>
    page === 2
      ? { ...body, data: [{ at: window.from, note: 'no key' }, ...body.data.slice(1)] }
      : body
  t.match(await read(), { status: 'complete' })
  t.equal(JSON.parse(there()).length, pages * recordsOfPage - 1)
  const range = await theRange()
  t.equal(range.rejects, 1)
  const { data } = await derrick.api<{ data: { reason: string; sample: string }[] }>(
    'GET',
    `/ranges/${range.id}/rejects`,
  )
  t.match(data[0], { reason: /./, sample: /no key/ })
})
