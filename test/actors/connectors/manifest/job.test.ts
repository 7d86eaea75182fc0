import { gzipSync } from 'node:zlib'
import t from 'tap'
import { type Call, failureOf, jumpingClock, manifestOf, readAll, startApi } from '../test-api.ts'

const day = { start: Date.UTC(2026, 2, 1), end: Date.UTC(2026, 2, 2) }

/** A report API: a report is ready after so many looks, and lies on a host of files. */
async function startReports(options: { looks?: number; ends?: string } = {}) {
  const { looks = 2, ends = 'READY' } = options
  const seen = new Map<string, number>()
  const files = await startApi((_, response) => {
    response.end(gzipSync('date,clicks\n2026-03-01,7\n2026-03-01,8\n'))
  })
  const cancelled = Promise.withResolvers<string>()
  const api = await startApi((call: Call) => {
    if (call.headers.authorization !== 'Bearer k') return { error: 'unsigned' }
    if (call.path === '/reports') return { report: { id: `r${seen.size + 1}` } }
    const id = call.path.split('/')[2] as string
    if (call.path.endsWith('/cancel')) {
      cancelled.resolve(id)
      return {}
    }
    const count = (seen.get(id) ?? 0) + 1
    seen.set(id, count)
    if (count < looks) return { status: 'IN_PROGRESS' }
    // The next report is known only now: ids are given by those that were looked at.
    return { status: ends, result: { url: `${files.url}/signed/${id}` } }
  })
  const manifest = manifestOf(`
config: {key: {secret: true}}
api: {base_url: "${api.url}", headers: {x-own: "1"}}
auth: {type: bearer, token: "{{ config.key }}"}
streams:
  items:
    job:
      create:
        path: /reports
        method: POST
        body: {json: {from: "{{ window.start }}"}}
      take: {id: report.id, url: result.url}
      poll: {path: "/reports/{{ job.id }}", every: 5s, timeout: 1m, status_at: status, done: [READY], failed: [FAILED], empty: [NO_DATA]}
      fetch: {base_url: "{{ job.url }}"}
      cancel: {path: "/reports/{{ job.id }}/cancel", method: POST}
    records: {format: csv}
    window: {field: date, tracks: report, end_filter: true, format: date, zone: UTC, end: {in: body, name: to}, end_is: inclusive}
`)
  const read = (more: Partial<Parameters<typeof readAll>[0]> = {}) =>
    readAll({ manifest, config: { key: 'k' }, window: day, ...more })
  return { api, files, cancelled: cancelled.promise, read }
}

t.test('a report is ordered, waited for and fetched', async (t) => {
  const { api, files, read } = await startReports()
  const clock = jumpingClock()
  const reasons: string[] = []
  const got = await read({ clock, onWait: (_, reason) => reasons.push(reason) })
  t.same(got.records, [
    { date: '2026-03-01', clicks: '7' },
    { date: '2026-03-01', clicks: '8' },
  ])
  t.equal(got.requests, 4)
  t.same(
    api.calls.map(({ method, path }) => `${method} ${path}`),
    ['POST /reports', 'GET /reports/r1', 'GET /reports/r1'],
  )
  t.same(JSON.parse(api.calls[0]?.body ?? ''), { from: '2026-03-01', to: '2026-03-01' })
  t.same(clock.waits, [5_000, 5_000])
  t.match(reasons[0], /prepares a report/)
  const [fetched] = files.calls
  t.equal(fetched?.path, '/signed/r1')
  t.equal(
    fetched?.headers.authorization,
    undefined,
    'credentials do not go to a host that an answer names',
  )
  t.equal(fetched?.headers['x-own'], undefined)
})

t.test('reports that are empty, refused or too late', async (t) => {
  const empty = await startReports({ ends: 'NO_DATA' })
  t.same((await empty.read()).records, [])
  const refused = await startReports({ ends: 'FAILED' })
  t.match(await failureOf(refused.read()), {
    code: 'job.failed',
    message: /FAILED/,
    retryable: true,
  })
  const slow = await startReports({ looks: 1_000 })
  t.match(await failureOf(slow.read()), { code: 'job.timeout', category: 'network' })
  t.ok(slow.api.calls.length <= 15, 'a minute, every five seconds')
})

t.test('a report that is given up is cancelled at the API', async (t) => {
  const { cancelled, read, api } = await startReports({ looks: 1_000 })
  const abort = new AbortController()
  const clock = jumpingClock()
  const sleep = clock.sleep
  clock.sleep = (ms, signal) => {
    if (api.calls.length === 3) abort.abort(new Error('cancelled'))
    return sleep(ms, signal)
  }
  await t.rejects(read({ signal: abort.signal, clock }), { message: 'cancelled' })
  t.equal(await cancelled, 'r1')
})

t.test('no more reports than allowed are under way at a time', async (t) => {
  const { api, read } = await startReports()
  const got = await Promise.all([read(), read(), read()])
  t.same(
    got.map(({ records }) => records.length),
    [2, 2, 2],
  )
  const order = api.calls.map(({ path }) => path)
  t.same(order.filter((path) => path === '/reports').length, 3)
  for (const [at, path] of order.entries())
    if (path === '/reports')
      t.not(order[at + 1], '/reports', 'each is ready before the next is ordered')
})
