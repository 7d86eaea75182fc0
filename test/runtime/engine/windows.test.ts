/** Which time is read: start dates that move, windows that somebody asks for. */
import t from 'tap'
import { failure, toFailure } from '../../../schema/error.ts'
import {
  day,
  failWith,
  type Harness,
  hang,
  makeHarness,
  noon,
  type Script,
  succeed,
} from './harness.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 2_000 && !holds(); i++) await turn()
  if (!holds()) throw new Error('it never came to that')
}
const dates = (h: Harness): string[] =>
  h.jobs.map(({ job }) => new Date(job.range.start).toISOString().slice(5, 10))
const rows = (h: Harness) => h.deps.ranges.overlapping('str_0', 0, noon + day)
const setStart = (h: Harness, start: number): void => {
  const context = h.contexts.get('str_0')
  if (context) h.contexts.set('str_0', { ...context, start })
}
const sync = async (h: Harness, window?: { from: number | null; to: number | null }) => {
  h.events.length = 0
  h.jobs.length = 0
  h.engine.syncStream('str_0', 'manual', window)
  return h.ended('str_0')
}

t.test('a start date moved earlier adds ranges', async (t) => {
  for (const strategy of ['newest_first', 'oldest_first'] as const) {
    const h = makeHarness(succeed, [{ start: noon - day, strategy }])
    await sync(h)
    setStart(h, noon - 4 * day)
    t.equal(await sync(h), 'complete')
    t.same(dates(h).sort(), ['06-11', '06-12', '06-13', '06-15'])
  }
})

t.test(
  'moved later, what was read stays and nothing older is read; moved back, the gap fills',
  async (t) => {
    const script: Script = (job, actor) =>
      (job.range.start < noon - 3 * day ? hang : succeed)(job, actor)
    const h = makeHarness(script)
    h.engine.syncStream('str_0', 'manual')
    await until(() => rows(h).some((row) => row.start < noon - 3 * day && row.status === 'running'))
    h.engine.cancelStream('str_0')
    await h.ended('str_0')
    setStart(h, noon - day)
    t.equal(await sync(h), 'complete')
    t.same(dates(h), ['06-15'])
    t.match(h.deps.config.stream('str_0')?.counts, { pending: 0, complete: 3 })
    const next = h.restart(succeed)
    setStart(next, noon - 5 * day)
    t.equal(await sync(next), 'complete')
    t.same(dates(next).sort(), ['06-10', '06-11', '06-12', '06-15'])
    const all = rows(next)
    t.ok(
      all.every((row, i) => i === 0 || row.start === all[i - 1]?.end),
      'time is tiled again',
    )
  },
)

t.test('moved later, failed ranges before it are given up', async (t) => {
  const bad = failWith(failure('transform', 'record.odd', 'odd'))
  const h = makeHarness((job, actor) =>
    (job.range.start < noon - 3 * day ? bad : succeed)(job, actor),
  )
  t.equal(await sync(h), 'partial')
  setStart(h, noon - day)
  t.equal(await sync(h), 'complete')
  t.match(h.deps.config.stream('str_0')?.counts, { pending: 0, failed: 0, complete: 3 })
})

t.test('a start date to come: nothing is read before it', async (t) => {
  for (const strategy of ['newest_first', 'oldest_first'] as const) {
    const h = makeHarness(succeed, [{ start: noon + 3 * day, strategy }])
    t.equal(await sync(h), 'complete')
    t.same(dates(h), [])
  }
})

t.test('a sync of a window reads that window and nothing else', async (t) => {
  const h = makeHarness(succeed, [{ start: noon - 300 * day }])
  const window = { from: noon - 3 * day, to: noon - 2 * day }
  t.equal(await sync(h, window), 'complete')
  t.same(dates(h), ['06-13', '06-12'])
  t.equal(await sync(h, window), 'complete')
  t.same(dates(h), [], 'what is final is not read again: that is a re-sync')
  t.equal(await sync(h, { from: noon - 3650 * day, to: noon - 3649 * day }), 'complete')
  t.equal(h.jobs.length, 2, 'also long before the start date, and nothing in between')
  setStart(h, noon - 5 * day)
  t.equal(await sync(h), 'complete')
  t.same(dates(h).sort(), ['06-10', '06-11', '06-14', '06-15'])
})

t.test('a window does not release what a cancel held; a plain sync does', async (t) => {
  let reading: Script = hang
  const h = makeHarness((job, actor) => reading(job, actor))
  h.engine.syncStream('str_0', 'manual')
  await until(() => h.jobs.length === 1)
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
  reading = succeed
  t.equal(await sync(h, { from: noon - 3 * day, to: noon - 3 * day + 1 }), 'complete')
  t.same(dates(h), ['06-12'], 'nor what else is pending')
  t.equal(await sync(h), 'complete')
  t.equal(h.deps.config.stream('str_0')?.counts.pending, 0)
})

t.test(
  'a re-sync after a cancel reads its window, and the backlog stays where it is',
  async (t) => {
    let reading: Script = hang
    const h = makeHarness((job, actor) => reading(job, actor))
    h.engine.syncStream('str_0', 'manual')
    await until(() => rows(h).length === 6)
    h.engine.cancelStream('str_0')
    await h.ended('str_0')
    reading = succeed
    h.events.length = 0
    h.jobs.length = 0
    const window = { from: noon - 3 * day, to: noon - 3 * day + 1 }
    const { matched } = await h.engine.actOnRanges('str_0', 'resync', window)
    t.equal(matched, 0, 'none was complete or failed')
    t.equal(await h.ended('str_0'), 'complete')
    t.same(dates(h), ['06-12'])
    t.match(h.deps.config.stream('str_0'), { counts: { pending: 5 }, heldLanes: 0b110 })
  },
)

t.test('a failed range outside of the window is no matter of its run', async (t) => {
  const bad = failWith(failure('network', 'network.econnreset', 'cut'))
  const isBad = (start: number): boolean => start < noon - 3 * day && start > noon - 4 * day
  const h = makeHarness((job, actor) => (isBad(job.range.start) ? bad : succeed)(job, actor))
  t.equal(await sync(h), 'partial')
  h.events.length = 0
  h.jobs.length = 0
  await h.engine.actOnRanges('str_0', 'resync', { from: noon - 2 * day, to: noon - day })
  t.equal(await h.ended('str_0'), 'complete')
  t.same(dates(h).sort(), ['06-13', '06-14'])
})

t.test('a re-sync joins a run without narrowing it, and a sync widens a re-sync', async (t) => {
  const h = makeHarness(hang)
  h.engine.syncStream('str_0', 'manual')
  await until(() => rows(h).length === 6)
  const window = { from: noon - 3 * day, to: noon - 3 * day + 1 }
  const first = h.deps.runs.last('str_0')?.id
  t.equal((await h.engine.actOnRanges('str_0', 'resync', window)).runId, first)
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
  const next = h.restart(succeed)
  await next.engine.actOnRanges('str_0', 'resync', window)
  t.equal(next.engine.syncStream('str_0', 'manual').joined, true)
  t.equal(await next.ended('str_0'), 'complete')
  t.equal(dates(next)[0], '06-12', 'the window goes first')
  t.equal(next.deps.config.stream('str_0')?.counts.pending, 0)
})

t.test('a re-sync of time that nobody read says so', async (t) => {
  const h = makeHarness(succeed)
  await sync(h)
  const window = { from: noon - 400 * day, to: noon - 399 * day }
  const look = await h.engine.actOnRanges('str_0', 'resync', window, { dryRun: true })
  t.equal(look.matched, 0)
  const refused = await h.engine.actOnRanges('str_0', 'resync', window).catch(toFailure)
  const remedy = /begins at 2026-06-10.*sync the window/
  t.match(refused, { code: 'range.none_in_window', remedy })
  const fresh = makeHarness(succeed)
  await fresh.engine.actOnRanges('str_0', 'resync', { from: noon - 2 * day, to: noon - day })
  await fresh.ended('str_0')
  t.same(dates(fresh).sort(), ['06-13', '06-14'], 'what is to be read anyway is read now')
})

t.test('retrying one range tries only that one', async (t) => {
  let reading = failWith(failure('transform', 'record.odd', 'odd'))
  const h = makeHarness((job, actor) => reading(job, actor))
  await sync(h)
  const [first] = h.deps.ranges.failed('str_0')
  t.equal(h.deps.config.stream('str_0')?.counts.failed, 6)
  reading = succeed
  h.events.length = 0
  h.jobs.length = 0
  h.engine.retryRange(first?.id ?? 0)
  await h.ended('str_0')
  t.same(
    h.jobs.map(({ job }) => job.range.id),
    [first?.id],
  )
  t.equal(h.deps.config.stream('str_0')?.counts.failed, 5)
})

t.test('an action that can’t start now moves nothing', async (t) => {
  const h = makeHarness(hang, [{ start: noon - day }])
  h.engine.syncStream('str_0', 'manual')
  await until(() => h.jobs.length === 1)
  h.engine.cancelStream('str_0')
  const all = { from: null, to: null }
  await t.rejects(h.engine.actOnRanges('str_0', 'resync', all), /cancelled/)
  await h.ended('str_0')
})

t.test('a cancel also ends a plan under way', async (t) => {
  const h = makeHarness(hang, [{ start: noon - 20_000 * day }])
  h.engine.syncStream('str_0', 'manual')
  await until(() => h.jobs.length === 1)
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
  t.ok((h.deps.config.stream('str_0')?.counts.pending ?? 0) < 5_000)
})

t.test(
  'a stream that is read whole is read again by each sync; one that has windows now is not',
  async (t) => {
    const connector = {
      streamName: 'orders',
      endFilter: false,
      startFilter: false,
      maxAgeMs: null,
      isOffered: true,
      cursorField: null,
      tracks: 'none' as const,
    }
    const h = makeHarness(succeed, [{ connector: { ...connector, windowed: false }, start: noon }])
    t.equal(await sync(h), 'complete')
    t.equal(await sync(h), 'complete')
    t.match(h.jobs, [{ job: { range: { kind: 'full' } } }])
    const context = h.contexts.get('str_0')
    if (context)
      h.contexts.set('str_0', { ...context, connector: { ...connector, windowed: true } })
    t.equal(await sync(h), 'complete')
    t.match(h.jobs, [{ job: { range: { kind: 'window' } } }])
    t.equal(h.jobs.length, 1)
  },
)
