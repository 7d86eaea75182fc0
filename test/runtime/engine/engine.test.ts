import t from 'tap'
import { failure } from '../../../schema/error.ts'
import { day, failWith, hang, makeHarness, noon, type Script, succeed } from './harness.ts'

const startsOf = (jobs: { job: { range: { start: number } } }[]): string[] =>
  jobs.map(({ job }) => new Date(job.range.start).toISOString().slice(0, 10))
const newestFirst = [
  '2026-06-15',
  '2026-06-14',
  '2026-06-13',
  '2026-06-12',
  '2026-06-11',
  '2026-06-10',
]
const network = failure('network', 'network.econnreset', 'the connection was cut')

t.test('newest_first reads today, then yesterday, down to the start', async (t) => {
  const h = makeHarness(succeed)
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'complete')
  t.same(startsOf(h.jobs), newestFirst)
  t.match(h.deps.runs.last('str_0'), {
    rangesTotal: 6,
    rangesComplete: 6,
    rangesFailed: 0,
    records: 60,
  })
})

t.test('oldest_first reads in order of time', async (t) => {
  const h = makeHarness(succeed, [{ strategy: 'oldest_first' }])
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'complete')
  t.same(startsOf(h.jobs), [...newestFirst].reverse())
})

t.test('parallel ranges stay under the stream’s bound and the source’s', async (t) => {
  const wide = makeHarness(succeed, [{ parallelRanges: 4, start: noon - 30 * day }])
  wide.engine.syncStream('str_0', 'manual')
  await wide.ended('str_0')
  t.equal(wide.most.inFlight, 4)
  const narrow = makeHarness(succeed, [{ parallelRanges: 4 }])
  const context = narrow.contexts.get('str_0')
  if (context) context.source.maxInFlight = 2
  narrow.engine.syncStream('str_0', 'manual')
  t.equal(await narrow.ended('str_0'), 'complete')
  t.equal(narrow.most.inFlight, 2)
})

t.test(
  'the open range stays unsealed and is read again by the next sync, sealed ones are not',
  async (t) => {
    const h = makeHarness(succeed)
    h.engine.syncStream('str_0', 'manual')
    await h.ended('str_0')
    h.events.length = 0
    h.jobs.length = 0
    h.engine.syncStream('str_0', 'manual')
    await h.ended('str_0')
    t.same(startsOf(h.jobs), ['2026-06-15'])
  },
)

t.test('a failed range waits for the final pass after all others', async (t) => {
  let failed = false
  const script: Script = (job, actor) => {
    if (startsOf([{ job }])[0] === '2026-06-14' && !failed) {
      failed = true
      return failWith(network)(job, actor)
    }
    return succeed(job, actor)
  }
  const h = makeHarness(script)
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'complete')
  t.same(startsOf(h.jobs), [...newestFirst, '2026-06-14'])
})

t.test('tries end at max_attempts; the run is partial and says why', async (t) => {
  const script: Script = (job, actor) =>
    (startsOf([{ job }])[0] === '2026-06-13' ? failWith(network) : succeed)(job, actor)
  const h = makeHarness(script)
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'partial')
  t.equal(startsOf(h.jobs).filter((start) => start === '2026-06-13').length, 3)
  t.match(h.deps.runs.last('str_0'), {
    rangesFailed: 1,
    rangesComplete: 5,
    error: { code: 'network.econnreset' },
  })
  h.engine.syncStream('str_0', 'manual')
  t.equal(
    startsOf(h.jobs).filter((start) => start === '2026-06-13').length,
    3,
    'no run has begun yet',
  )
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  t.ok(h.deps.ranges.failed('str_0').length <= 1, 'a person who asks again gives it new tries')
})

t.test('a refused sign-in pauses the source after one range and tells it once', async (t) => {
  const h = makeHarness(failWith(failure('auth', 'http.status_401', 'the key was refused')))
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'failed')
  t.equal(h.jobs.length, 1)
  t.equal(h.deps.config.stream('str_0')?.source.paused, true)
  t.equal(h.events.filter((event) => event.kind === 'notify').length, 1)
})

t.test('a wait that the API asked for pauses the source and counts no try', async (t) => {
  let first = true
  const script: Script = (job, actor) => {
    if (!first) return succeed(job, actor)
    first = false
    return failWith(
      failure('rate_limit', 'http.status_429', 'slow down', { retry_after_ms: 20_000 }),
    )(job, actor)
  }
  const h = makeHarness(script, [{ retry: { max_attempts: 1, backoff_seconds: 2 } }])
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'complete')
  t.ok(h.clock.now >= noon + 20_000, 'nothing was sent before the time was over')
})

t.test(
  'a destination that fails range after range ends the run early, nothing is lost',
  async (t) => {
    const h = makeHarness(
      failWith(failure('destination', 'disk.eacces', 'no permission', { remedy: 'chmod' })),
    )
    h.engine.syncStream('str_0', 'manual')
    t.equal(await h.ended('str_0'), 'failed')
    t.equal(h.jobs.length, 3)
    t.equal(h.deps.config.stream('str_0')?.counts.pending, 3)
  },
)

t.test(
  'cancel puts ranges back, holds history until a person asks, and frees the permits',
  async (t) => {
    const h = makeHarness(hang, [{ parallelRanges: 2 }])
    const { runId } = h.engine.syncStream('str_0', 'manual')
    while (h.jobs.length < 2) await new Promise(setImmediate)
    t.equal(h.engine.cancelRun(runId), true)
    t.equal(h.engine.isCancelling(runId), true)
    t.equal(await h.ended('str_0'), 'cancelled')
    t.match(h.deps.config.stream('str_0'), {
      counts: { pending: 6, running: 0, failed: 0 },
      heldLanes: 0b110,
    })
    t.equal(h.deps.permits.inUse, 0)
    t.equal(h.engine.cancelRun(runId), false)
  },
)

t.test('after a cancel a scheduled sync reads fresh ranges only', async (t) => {
  const h = makeHarness(hang)
  const { runId } = h.engine.syncStream('str_0', 'manual')
  while (h.jobs.length < 1) await new Promise(setImmediate)
  h.engine.cancelRun(runId)
  await h.ended('str_0')
  const next = h.restart(succeed)
  next.engine.syncStream('str_0', 'schedule')
  t.equal(await next.ended('str_0'), 'complete')
  t.same(startsOf(next.jobs), ['2026-06-15'])
  t.equal(next.deps.config.stream('str_0')?.counts.pending, 5)
})

t.test('a second trigger joins the run', async (t) => {
  const h = makeHarness(hang)
  const first = h.engine.syncStream('str_0', 'manual')
  t.same(h.engine.syncStream('str_0', 'api'), { runId: first.runId, joined: true })
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
})

t.test('a dead worker costs its ranges no try; they run again alone', async (t) => {
  const died = new Set<number>()
  const script: Script = (job, actor) => {
    if (died.has(job.range.id) || died.size >= 2) return succeed(job, actor)
    died.add(job.range.id)
    actor.die('out of memory')
  }
  const h = makeHarness(script, [
    { parallelRanges: 2, retry: { max_attempts: 1, backoff_seconds: 2 } },
  ])
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'complete')
  t.same(
    h.jobs
      .filter(({ alone }) => alone)
      .map(({ job }) => job.range.id)
      .sort(),
    [...died].sort(),
  )
})

t.test('a range that kills its worker alone fails with the reason, the others go on', async (t) => {
  const script: Script = (job, actor) => {
    if (startsOf([{ job }])[0] === '2026-06-12') actor.die('segmentation fault')
    else return succeed(job, actor)
  }
  const h = makeHarness(script)
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'partial')
  t.match(h.deps.runs.last('str_0'), { rangesComplete: 5, error: { code: 'worker.died' } })
})

t.test('global and per-source limits hold, also while they change', async (t) => {
  const streams = [0, 1, 2, 3, 4].map((i) => ({ streamId: `str_${i}` }))
  const h = makeHarness(hang, streams)
  for (const { streamId } of streams) h.engine.syncStream(streamId, 'manual')
  t.match(h.engine.schedulerState(), { global: { limit: 4, in_use: 2 }, queued: 3 })
  h.engine.settingsChanged({ max_concurrent_syncs: 4, max_concurrent_syncs_per_source: 8 })
  t.match(h.engine.schedulerState(), { global: { in_use: 4 }, queued: 1 })
  h.engine.settingsChanged({ max_concurrent_syncs: 1, max_concurrent_syncs_per_source: 1 })
  t.match(h.engine.schedulerState(), { global: { limit: 1, in_use: 4 } }, 'a lower limit ends none')
  for (const { streamId } of streams) h.engine.cancelStream(streamId)
  for (const { streamId } of streams) await h.ended(streamId)
  t.equal(h.deps.permits.inUse, 0)
})

t.test(
  'after a crash running ranges are failed, due at once and not counted, and the sync goes on',
  async (t) => {
    const h = makeHarness(hang, [{ parallelRanges: 3 }])
    h.engine.syncStream('str_0', 'manual')
    while (h.jobs.length < 3) await new Promise(setImmediate)
    h.abandon()
    const next = h.restart(succeed)
    next.engine.start()
    const interrupted = next.events.filter(
      (event) => event.kind === 'happened' && event.activity.kind === 'range.interrupted',
    )
    t.equal(interrupted.length, 3)
    while (next.deps.config.stream('str_0')?.counts.complete !== 6) await new Promise(setImmediate)
    t.ok(next.deps.ranges.all('str_0').every((row) => row.failures === 0))
    const fences = [...h.jobs, ...next.jobs].map(({ job }) => job.offeredFence)
    t.same(
      fences,
      [...new Set(fences)].sort((a, b) => a - b),
      'offered fences only ever grow',
    )
    await next.engine.stop(0)
  },
)

t.test(
  'a graceful stop lets commits finish, puts the rest back, and the same run goes on after the start',
  async (t) => {
    const h = makeHarness(hang)
    const { runId } = h.engine.syncStream('str_0', 'manual')
    while (h.deps.config.stream('str_0')?.counts.pending !== 5) await new Promise(setImmediate)
    await h.engine.stop(1)
    t.match(h.deps.runs.get(runId), { status: 'queued' })
    t.match(h.deps.config.stream('str_0')?.counts, { pending: 6, running: 0 })
    const next = h.restart(succeed)
    next.engine.start()
    t.equal(await next.ended('str_0'), 'complete')
    t.equal(next.deps.runs.last('str_0')?.id, runId)
    await next.engine.stop(0)
  },
)

// Whoever asks for two days again wants those two now, and no third: not even today's, which the next sync reads.
t.test(
  're-sync of a window reads exactly that again, old data stay counted until then',
  async (t) => {
    const h = makeHarness(succeed)
    h.engine.syncStream('str_0', 'manual')
    await h.ended('str_0')
    h.jobs.length = 0
    h.events.length = 0
    const window = { from: noon - 3 * day, to: noon - 2 * day }
    t.equal((await h.engine.actOnRanges('str_0', 'resync', window, { dryRun: true })).matched, 2)
    t.equal(h.jobs.length, 0)
    t.equal((await h.engine.actOnRanges('str_0', 'resync', window)).matched, 2)
    await h.ended('str_0')
    t.same(startsOf(h.jobs).sort(), ['2026-06-12', '2026-06-13'])
    t.match(h.deps.runs.last('str_0'), { status: 'complete', rangesTotal: 2, rangesComplete: 2 })
  },
)

t.test('disabling a stream cancels its run', async (t) => {
  const h = makeHarness(hang)
  h.engine.syncStream('str_0', 'manual')
  while (h.jobs.length < 1) await new Promise(setImmediate)
  const context = h.contexts.get('str_0')
  if (context) h.contexts.set('str_0', { ...context, enabled: false })
  h.engine.streamChanged('str_0')
  t.equal(await h.ended('str_0'), 'cancelled')
})
