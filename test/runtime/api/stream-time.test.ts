/** What the API lets people say about when a stream is read, and how much again. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tempDir } from '../../support/temp-dir.ts'
import { makeStream, openHarness } from './harness.ts'

async function opened(test: Pick<typeof t, 'teardown'>, manifestsDir?: string) {
  const h = await openHarness({}, manifestsDir === undefined ? {} : { manifestsDir })
  test.teardown(h.close)
  return h
}

t.test('look-back, settle and the longest run of a stream', async (t) => {
  const h = await opened(t)
  const { stream } = await makeStream(h)
  const path = `streams/${stream}`
  t.match((await h.call('GET', path)).body, { lookback: null, max_run_minutes: null })
  for (const lookback of ['until_unchanged', '28d', '0', null]) {
    const patched = await h.call('PATCH', path, { body: { lookback, max_run_minutes: 90 } })
    t.match(patched, { status: 200, body: { lookback, max_run_minutes: 90 } })
  }
  for (const lookback of ['for ever', '-1d', 7, '']) {
    const refused = await h.call('PATCH', path, { body: { lookback } })
    t.match(refused, { status: 422, body: { errors: [{ pointer: '/lookback' }] } })
  }
  t.equal((await h.call('PATCH', path, { body: { max_run_minutes: 0 } })).status, 422)
})

t.test('the next run by schedule is shown while there is one', async (t) => {
  const h = await opened(t)
  const { stream } = await makeStream(h)
  const next = async (body: object) => {
    const { body: patched } = await h.call('PATCH', `streams/${stream}`, { body })
    return patched.next_run_at
  }
  t.equal(await next({ schedule: null }), null)
  t.equal(await next({ schedule: '30 14 * * *' }), '2026-03-10T14:30:00.000Z')
  t.equal(await next({ schedule_timezone: 'Asia/Kolkata' }), '2026-03-11T09:00:00.000Z')
  t.equal(await next({ enabled: false }), null)
  t.ok(await next({ enabled: true }))
  h.clock.now = Date.parse('2026-03-11T09:00:00Z')
  t.equal((await h.call('GET', `streams/${stream}`)).body.next_run_at, '2026-03-12T09:00:00.000Z')
})

t.test('clearing a window is for admins, and names its window', async (t) => {
  const h = await opened(t)
  const { stream } = await makeStream(h)
  const act = (body: object, key?: string) =>
    h.call('POST', `streams/${stream}/ranges`, { body, ...(key ? { key } : {}) })
  const window = { from: '2026-01-01', to: '2026-01-02' }
  const operator = h.key('operator')
  t.equal((await act({ action: 'clear', ...window }, operator)).status, 403)
  const bare = await act({ action: 'clear', from: null, status: 'failed' })
  t.match(bare, { status: 422, body: { code: 'ranges.invalid' } })
  t.same(
    bare.body.errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/from', '/to', '/status'],
  )
  h.engine.calls.length = 0
  t.equal((await act({ action: 'clear', dry_run: true, ...window })).status, 200)
  t.notOk(
    h.engine.calls.some(([name]) => name === 'cancelStream'),
    'looking cancels nothing',
  )
  t.equal((await act({ action: 'clear', ...window })).status, 202)
  t.match(h.engine.calls.at(-1), ['actOnRanges', stream, 'clear'])
  t.equal((await act({ action: 'resync', force: true, ...window }, operator)).status, 202)
  t.match(
    h.engine.calls.findLast(([name]) => name === 'actOnRanges'),
    [
      'actOnRanges',
      stream,
      'resync',
      { from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 0, 2) },
      { force: true },
    ],
  )
})

t.test('a stream that the source does not offer is not made', async (t) => {
  const dir = tempDir('manifests')
  t.teardown(dir.remove)
  mkdirSync(dir.path, { recursive: true })
  const shop = readFileSync(join(import.meta.dirname, '../../../manifests/demo_shop.yaml'), 'utf8')
  const limited = shop.replace(
    /^ {2}orders:\n/m,
    "  orders:\n    enabled_if: config.api_key == 'x'\n",
  )
  t.not(limited, shop)
  writeFileSync(join(dir.path, 'demo_shop.yaml'), limited)
  const h = await opened(t, dir.path)
  await t.rejects(makeStream(h), /does not offer orders/)
  const [source] = (await h.call('GET', 'sources')).body.data
  const offered = await h.call('GET', `sources/${source.id}/streams`)
  t.match(
    offered.body.data.find(({ name }: { name: string }) => name === 'orders'),
    { enabled: false },
  )
})
