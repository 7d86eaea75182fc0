/** What is read again, when, how much of it, and when it is final. */
import t from 'tap'
import type { StreamContext } from '../../../runtime/engine/context.ts'
import { lookbackRule } from '../../../schema/revisit.ts'
import { day, type Harness, makeHarness, noon, type Script } from './harness.ts'

const hour = 3_600_000
const minute = 60_000

/** A source whose days change until they are `restless` old, by the harness's clock. */
function scene(over: Partial<StreamContext> = {}, restlessMs = 0) {
  const script: Script = ({ range, offeredFence }, { send }) => {
    const { now } = h.clock
    const fence = offeredFence + 1
    send({ kind: 'range-claimed', fence, fetchedFrom: now })
    const progress = { pages: 1, records: 10, bytes: 9, requests: 1, dropped: 0, sanitised: 0 }
    const rowsChanged = now < range.end + restlessMs ? 1 : 0
    const receipt = { fence, records: 10, bytes: 9, rowsChanged, checksum: '1' }
    send({
      kind: 'range-completed',
      receipt: { ...receipt, fetchedFrom: now, committedAt: now },
      progress: { ...progress, rejects: 0 },
      recovered: false,
    })
  }
  const postgres = { id: 'dst_1', type: 'postgres', version: 1, commitSlots: 4 } as const
  const h: Harness = makeHarness(script, [{ destination: postgres, start: noon, ...over }])
  return h
}

async function sync(h: Harness) {
  h.events.length = 0
  h.jobs.length = 0
  h.engine.syncStream('str_0', 'schedule')
  await h.ended('str_0')
  return h.jobs.map(({ job }) => job.range)
}

const rows = (h: Harness) => h.deps.ranges.overlapping('str_0', 0, noon + 100 * day)
const midnight = noon + day / 2

t.test('an open range is read by delta, and once in full when it has settled', async (t) => {
  const h = scene({ settleMs: hour })
  t.notOk((await sync(h))[0]?.part, 'at first all of it')
  h.clock.now = noon + 30 * minute
  t.match(await sync(h), [{ part: { reason: 'delta', from: noon - hour } }])
  h.clock.now = noon + 60 * minute
  t.match(await sync(h), [{ part: { reason: 'delta', from: noon - 30 * minute } }])
  h.clock.now = midnight + 59 * minute
  const [today, yesterday] = await sync(h)
  t.match(yesterday, { part: { reason: 'delta' } }, 'it has ended and not settled')
  t.notOk(today?.part)
  t.equal(rows(h)[0]?.sealed, false)
  h.clock.now = midnight + 60 * minute
  const second = await sync(h)
  t.notOk(second.find(({ start }) => start < midnight)?.part, 'all of it')
  t.equal(rows(h)[0]?.sealed, true)
  h.clock.now += minute
  t.ok(
    (await sync(h)).every(({ start }) => start >= midnight),
    'final',
  )
})

t.test('no delta where it would not be right', async (t) => {
  const connector = { ...scene().contexts.get('str_0')?.connector } as StreamContext['connector']
  const streams: Record<string, Partial<StreamContext>> = {
    'the API has no start filter': { connector: { ...connector, startFilter: false } },
    'files are replaced whole': {
      destination: { id: 'dst_1', type: 'local_file', version: 1, commitSlots: 4 },
    },
    'there is no key': { primaryKey: [] },
    'each read replaces': { writeMode: 'replace' },
    'rows are appended': { writeMode: 'append' },
  }
  for (const [why, over] of Object.entries(streams)) {
    const h = scene(over)
    await sync(h)
    h.clock.now += hour
    t.match(await sync(h), [{ start: midnight - day, part: undefined }], why)
  }
})

t.test('whoever asks for a range again gets all of it', async (t) => {
  const h = scene()
  await sync(h)
  h.clock.now += hour
  h.jobs.length = 0
  h.events.length = 0
  await h.engine.actOnRanges('str_0', 'resync', { from: null, to: null }, { force: true })
  await h.ended('str_0')
  t.match(h.jobs, [{ job: { range: { force: true, part: undefined } } }])
  t.equal(rows(h)[0]?.force, false, 'once')
})

t.test('also of a window, and of one range: never only what is new', async (t) => {
  for (const again of ['window', 'range']) {
    const h = scene()
    await sync(h)
    h.clock.now += hour
    h.jobs.length = 0
    h.events.length = 0
    const open = rows(h).at(-1)
    if (again === 'range') h.engine.retryRange(open?.id ?? 0)
    else await h.engine.actOnRanges('str_0', 'resync', { from: open?.start ?? 0, to: null })
    await h.ended('str_0')
    t.match(h.jobs, [{ job: { range: { id: open?.id, part: undefined } } }], again)
  }
})

t.test('a look-back reads closed days at growing ages, whatever the schedule', async (t) => {
  const h = scene(lookbackRule('3d', 0))
  const ages: number[] = []
  for (; h.clock.now < midnight + 6 * day; h.clock.now += 30 * minute) {
    const read = (await sync(h)).filter(({ end }) => end === midnight && h.clock.now >= end)
    for (const range of read) {
      t.notOk(range.part)
      ages.push((h.clock.now - range.end) / hour)
    }
    const sealed = rows(h)[0]?.sealed
    t.equal(sealed, (ages.at(-1) ?? 0) >= 72, 'final after the last step')
  }
  t.same(ages, [0, 1, 6, 24, 72])
})

t.test('until it stops changing: two reads in a row without a change', async (t) => {
  const h = scene(lookbackRule('until_unchanged', 0), 20 * hour)
  const ages: number[] = []
  for (; h.clock.now < midnight + 40 * day; h.clock.now += hour) {
    const read = (await sync(h)).filter(({ end }) => end === midnight && h.clock.now >= end)
    for (const range of read) ages.push((h.clock.now - range.end) / hour)
  }
  t.same(ages, [0, 1, 6, 24, 72])
  t.match(rows(h)[0], { sealed: true, unchanged: 2 })
})

t.test('rules that change: what was to be read again is read once more and final', async (t) => {
  const h = scene(lookbackRule('30d', 0))
  h.clock.now = midnight + hour
  await sync(h)
  const context = h.contexts.get('str_0') as StreamContext
  h.contexts.set('str_0', { ...context, ...lookbackRule('0', 0) })
  h.clock.now += minute
  const before = () => rows(h).filter(({ end }) => end <= midnight)
  t.equal((await sync(h)).filter(({ end }) => end <= midnight).length, 1)
  t.ok(before().every(({ sealed }) => sealed))
  h.clock.now += minute
  t.equal((await sync(h)).filter(({ end }) => end <= midnight).length, 0)
  h.contexts.set('str_0', { ...context, ...lookbackRule('3d', 0) })
  h.clock.now += 6 * hour
  t.equal((await sync(h)).filter(({ end }) => end <= midnight).length, 1, 'and back again')
})

t.test('nothing is asked for that the source has no more', async (t) => {
  const base = scene().contexts.get('str_0') as StreamContext
  const connector = { ...base.connector, maxAgeMs: 3 * day }
  const h = scene({ connector, start: noon - 30 * day, ...lookbackRule('60d', 0) })
  const first = await sync(h)
  t.same(
    first.map(({ start }) => Math.floor((noon - start) / day)),
    [0, 1, 2, 3],
  )
  t.match(first.at(-1), { part: { reason: 'age', from: noon - 3 * day } })
  h.clock.now += 2 * day
  const later = await sync(h)
  t.ok(later.every(({ end }) => end > noon - day))
  t.equal(rows(h).length, 6, 'what was read stays')
  t.match(
    await h.engine.actOnRanges(
      'str_0',
      'resync',
      { from: noon - 30 * day, to: noon },
      { dryRun: true },
    ),
    { matched: 2 },
  )
})

t.test('a window can be cleared: its ranges are as if never read', async (t) => {
  const h = scene({ start: noon - 5 * day })
  await sync(h)
  const tasks: unknown[] = []
  const { run } = h.deps.pool
  h.deps.pool.run = (task, transfer) => {
    tasks.push(task)
    return run(task, transfer)
  }
  const window = { from: midnight - 4 * day, to: midnight - 2 * day }
  t.same(await h.engine.actOnRanges('str_0', 'clear', window, { dryRun: true }), {
    matched: 2,
    runId: null,
  })
  t.same(tasks, [])
  t.same(await h.engine.actOnRanges('str_0', 'clear', window), { matched: 2, runId: null })
  t.match(tasks, [
    { kind: 'clear-ranges', ranges: [{ start: window.from }, { start: window.from + day }] },
  ])
  t.match(h.deps.config.stream('str_0')?.counts, { pending: 2, complete: 4 })
  t.equal((await sync(h)).length, 3, 'read again by the next sync, with today')
})
