/** How work ends from outside: stop, disable, pause, start date. */
import t from 'tap'
import { failure } from '../../../schema/error.ts'
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
const change = (h: Harness, streamId: string, changes: object): void => {
  const context = h.contexts.get(streamId)
  if (context) h.contexts.set(streamId, { ...context, ...changes })
}
const source = { id: 'x', name: 'x', zone: 'UTC', paused: false, pausedReason: null }
const other = { ...source, id: 'y', pausedUntil: null, maxInFlight: 8 }

t.test('a stop starts none of the runs that are queued', async (t) => {
  const cut = failWith(failure('network', 'network.econnreset', 'cut'))
  const script: Script = (job, actor) => (job.streamId === 'a' ? cut : hang)(job, actor)
  const h = makeHarness(script, [
    { streamId: 'a', start: noon },
    { streamId: 'b', source: other },
  ])
  h.deps.wakeAt = () => () => {}
  h.engine.settingsChanged({ max_concurrent_syncs: 1, max_concurrent_syncs_per_source: 1 })
  h.engine.syncStream('a', 'manual')
  await until(() => h.deps.config.stream('a')?.counts.failed === 1)
  h.engine.syncStream('b', 'manual')
  await h.engine.stop(1)
  t.equal(h.jobs.length, 1, 'the one that waits for its next try had the permit')
  t.same(
    ['a', 'b'].map((id) => h.deps.runs.last(id)?.status),
    ['queued', 'queued'],
  )
})

t.test('a run that is being cancelled stays cancelled when Derrick stops', async (t) => {
  const script: Script = async (job, actor) => {
    await actor.cancelled
    for (let i = 0; i < 20; i++) await turn()
    return hang(job, actor)
  }
  const h = makeHarness(script)
  const { runId } = h.engine.syncStream('str_0', 'manual')
  await until(() => h.jobs.length === 1)
  h.engine.cancelRun(runId)
  await h.engine.stop(1)
  t.equal(h.deps.runs.get(runId)?.status, 'cancelled')
})

t.test('disabling a stream ends its run also while it is queued', async (t) => {
  const h = makeHarness(hang, [{ streamId: 'a' }, { streamId: 'b' }])
  h.engine.settingsChanged({ max_concurrent_syncs: 1, max_concurrent_syncs_per_source: 1 })
  h.engine.syncStream('a', 'manual')
  h.engine.syncStream('b', 'manual')
  await until(() => h.jobs.length === 1)
  change(h, 'b', { enabled: false })
  h.engine.streamChanged('b')
  t.equal(await h.ended('b'), 'cancelled')
  h.engine.cancelStream('a')
  await h.ended('a')
})

t.test('a refused sign-in stops all runs of the source at once, uncounted', async (t) => {
  const script: Script = async (job, actor) => {
    if (job.streamId === 'b') return hang(job, actor)
    await until(() => h.jobs.length === 5)
    if (job.range.start > noon - day) return hang(job, actor)
    return failWith(failure('auth', 'http.status_401', 'refused'))(job, actor)
  }
  const streams = ['a', 'b'].map((streamId) => ({
    streamId,
    parallelRanges: streamId === 'a' ? 2 : 3,
    start: noon - 5 * day,
  }))
  const h = makeHarness(script, streams)
  h.engine.syncStream('a', 'manual')
  h.engine.syncStream('b', 'manual')
  t.equal(await h.ended('a'), 'failed')
  t.equal(await h.ended('b'), 'failed')
  t.match(h.deps.config.stream('a')?.counts, { running: 0, failed: 1 })
  t.match(h.deps.config.stream('b')?.counts, { running: 0, failed: 0 })
  t.equal(h.deps.permits.inUse, 0)
})

t.test('a source that a person pauses stops; resumed, it goes on where it was', async (t) => {
  let reading: Script = hang
  const h = makeHarness((job, actor) => reading(job, actor))
  h.engine.syncStream('str_0', 'manual')
  await until(() => h.jobs.length === 1)
  h.deps.config.pauseSource('src_1', failure('auth', 'source.paused', 'paused'))
  h.engine.sourceChanged('src_1')
  t.equal(await h.ended('str_0'), 'failed')
  t.match(h.deps.config.stream('str_0')?.counts, { running: 0, failed: 0 })
  reading = succeed
  change(h, 'str_0', { source: { ...source, id: 'src_1', pausedUntil: null, maxInFlight: 8 } })
  h.events.length = 0
  h.engine.sourceChanged('src_1')
  h.engine.syncStream('str_0', 'schedule')
  t.equal(await h.ended('str_0'), 'complete')
})

t.test('a source is changed while a run of it is being cancelled: no error', async (t) => {
  let reading = failWith(failure('auth', 'http.status_403', 'refused'))
  const h = makeHarness((job, actor) => reading(job, actor))
  h.engine.syncStream('str_0', 'manual')
  await h.ended('str_0')
  change(h, 'str_0', { pausedReason: null })
  reading = hang
  h.events.length = 0
  h.engine.syncStream('str_0', 'schedule')
  await until(() => h.jobs.length === 2)
  h.engine.cancelStream('str_0')
  t.doesNotThrow(() => h.engine.sourceChanged('src_1'))
  t.equal(await h.ended('str_0'), 'cancelled')
})

t.test('a later, shorter wait never cuts a longer one short', async (t) => {
  const asks = [3_600_000, 1_000]
  const script: Script = async (job, actor) => {
    await until(() => h.jobs.length === 2)
    const more = { retry_after_ms: asks.shift() ?? 0 }
    return failWith(failure('rate_limit', 'http.status_429', 'slow', more))(job, actor)
  }
  const h = makeHarness(script, [{ parallelRanges: 2 }])
  h.deps.wakeAt = () => () => {}
  h.engine.syncStream('str_0', 'manual')
  await until(() => h.deps.config.stream('str_0')?.counts.failed === 2)
  t.equal(h.deps.config.stream('str_0')?.source.pausedUntil, noon + 3_600_000)
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
})

t.test('an API that asks for no wait at all is not asked in a tight loop', async (t) => {
  const none = failure('rate_limit', 'http.status_429', 'slow', { retry_after_ms: 0 })
  const h = makeHarness(
    (job, actor) => (h.jobs.length > 20 ? succeed : failWith(none))(job, actor),
    [{ start: noon }],
  )
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'complete')
  t.ok(h.clock.now >= noon + 20_000, 'a second at least between two asks')
})

t.test(
  'a stream that was refused access is tried again when a person asks, not by itself',
  async (t) => {
    let reading = failWith(failure('auth', 'http.status_403', 'refused'))
    const h = makeHarness((job, actor) => reading(job, actor))
    h.engine.syncStream('str_0', 'manual')
    t.equal(await h.ended('str_0'), 'failed')
    reading = succeed
    h.events.length = 0
    h.engine.syncStream('str_0', 'schedule')
    t.equal(await h.ended('str_0'), 'failed')
    t.equal(h.jobs.length, 1)
    h.events.length = 0
    h.engine.syncStream('str_0', 'manual')
    t.equal(await h.ended('str_0'), 'complete')
    t.equal(h.deps.config.stream('str_0')?.pausedReason, null)
  },
)

t.test('a queued run says what it waits for', async (t) => {
  const h = makeHarness(hang, [{ streamId: 'a' }, { streamId: 'b', source: other }])
  h.engine.settingsChanged({ max_concurrent_syncs: 1, max_concurrent_syncs_per_source: 1 })
  h.deps.config.setSourcePausedUntil('y', noon + day)
  h.engine.syncStream('a', 'manual')
  const b = h.engine.syncStream('b', 'manual')
  t.equal(h.engine.waitingFor(b.runId), 'x asked to wait until 2026-06-16T12:00:00.000Z')
  h.deps.config.setSourcePausedUntil('y', null)
  h.engine.streamChanged('b')
  t.equal(h.engine.waitingFor(b.runId), 'a free sync (1 at once)')
  for (const id of ['a', 'b']) h.engine.cancelStream(id)
  for (const id of ['a', 'b']) await h.ended(id)
})
