/** Who works when several runs want the same permits, or the same source's requests. */
import t from 'tap'
import { failure } from '../../../schema/error.ts'
import { day, type Harness, hang, makeHarness, noon, type Script, succeed } from './harness.ts'

const source = (id: string, more: object = {}) => ({
  id,
  name: id,
  zone: 'UTC',
  paused: false,
  pausedReason: null,
  pausedUntil: null,
  maxInFlight: 8,
  ...more,
})
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 2_000 && !holds(); i++) await turn()
  if (!holds()) throw new Error('it never came to that')
}
const inFlight = (h: Harness, streamId: string): number =>
  h.deps.config.stream(streamId)?.counts.running ?? 0

t.test('a run does not yield to one that could not start anyway: its source is full', async (t) => {
  const streams = [
    { streamId: 'x1', source: source('x') },
    { streamId: 'x2', source: source('x') },
    { streamId: 'x3', source: source('x') },
    { streamId: 'y1', source: source('y'), start: noon - 3 * day },
    { streamId: 'y2', source: source('y') },
  ]
  const script: Script = (job, actor) => (job.streamId === 'y1' ? succeed : hang)(job, actor)
  const h = makeHarness(script, streams)
  for (const id of ['x1', 'x2', 'y2', 'y1', 'x3']) h.engine.syncStream(id, 'manual')
  t.equal(await h.ended('y1'), 'complete', 'global and source limit are both met, x3 is fresher')
  for (const { streamId } of streams) h.engine.cancelStream(streamId)
  await until(() => h.deps.permits.inUse === 0)
})

t.test('a run does not yield to one whose source has to wait', async (t) => {
  const streams = [
    { streamId: 'slow', source: source('x') },
    { streamId: 'busy', source: source('y'), start: noon - 3 * day },
  ]
  const h = makeHarness(succeed, streams)
  h.engine.settingsChanged({ max_concurrent_syncs: 1, max_concurrent_syncs_per_source: 1 })
  h.engine.syncStream('busy', 'manual')
  h.deps.config.setSourcePausedUntil('x', noon + day)
  h.engine.syncStream('slow', 'manual')
  t.equal(await h.ended('busy'), 'complete')
  t.equal(h.deps.permits.inUse, 0)
  h.engine.cancelStream('slow')
})

t.test('a run that waits for its source gives its permits to one that comes later', async (t) => {
  let first = true
  const script: Script = (job, { send }) => {
    if (job.streamId !== 'slow' || !first) return succeed(job, { send } as never)
    first = false
    const { progress } = empty
    const asked = { retry_after_ms: 3_600_000 }
    send({
      kind: 'range-failed',
      failure: failure('rate_limit', 'http.429', 'no', asked),
      progress,
    })
  }
  const streams = [
    { streamId: 'slow', source: source('x') },
    { streamId: 'late', source: source('y') },
  ]
  const h = makeHarness(script, streams)
  h.deps.wakeAt = () => () => {}
  h.engine.settingsChanged({ max_concurrent_syncs: 1, max_concurrent_syncs_per_source: 1 })
  h.engine.syncStream('slow', 'manual')
  await until(() => h.engine.progress()[0]?.waiting !== undefined)
  h.engine.syncStream('late', 'manual')
  t.equal(await h.ended('late'), 'complete')
  t.equal(h.deps.permits.inUse, 0)
  h.clock.now += 3_600_001
  h.engine.settingsChanged({ max_concurrent_syncs: 1, max_concurrent_syncs_per_source: 1 })
  t.equal(await h.ended('slow'), 'complete')
})

t.test('runs of one source share what it takes at once, none starves', async (t) => {
  for (const maxInFlight of [1, 2, 8]) {
    const streams = ['a', 'b'].map((streamId) => ({
      streamId,
      parallelRanges: 8,
      source: source('x', { maxInFlight }),
      start: noon - 60 * day,
    }))
    const h = makeHarness(succeed, streams)
    h.engine.syncStream('a', 'manual')
    await until(() => inFlight(h, 'a') === maxInFlight)
    h.engine.syncStream('b', 'manual')
    t.equal(await h.ended('b'), 'complete')
    t.equal(await h.ended('a'), 'complete')
    const lastOf = (id: string) => h.jobs.findLastIndex(({ job }) => job.streamId === id)
    t.ok(Math.abs(lastOf('a') - lastOf('b')) <= maxInFlight + 16, `${maxInFlight} at once`)
    t.equal(h.most.inFlight, maxInFlight)
  }
})

const empty = {
  progress: { pages: 0, records: 0, bytes: 0, requests: 1, dropped: 0, sanitised: 0, rejects: 0 },
}

t.test('a range that only commits leaves its place to the next, to a bound', async (t) => {
  const script: Script = async (job, actor) => {
    actor.send({ kind: 'commit-slot-wanted' })
    await hang(job, actor)
  }
  const streams = [
    { streamId: 'many', parallelRanges: 2, source: source('x', { maxInFlight: 2 }) },
    { streamId: 'one', parallelRanges: 1, source: source('y') },
  ].map((stream) => ({ ...stream, start: noon - 9 * day }))
  const h = makeHarness(script, streams)
  for (const { streamId } of streams) h.engine.syncStream(streamId, 'manual')
  await until(() => inFlight(h, 'many') === 4)
  for (let i = 0; i < 50; i++) await turn()
  t.equal(inFlight(h, 'many'), 4, 'two read while two commit, and no more')
  t.equal(inFlight(h, 'one'), 1, 'where one range follows the other it still does')
  for (const { streamId } of streams) h.engine.cancelStream(streamId)
  await until(() => h.deps.permits.inUse === 0)
})
