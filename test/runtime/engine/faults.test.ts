/** What nobody expects: answers that can't be right, deaths in numbers, removals under way. */
import t from 'tap'
import { CommitSlots } from '../../../runtime/engine/commit-slots.ts'
import { startRangeTask } from '../../../runtime/engine/range-task.ts'
import { failure } from '../../../schema/error.ts'
import type { RangeJob } from '../../../schema/protocol.ts'
import {
  day,
  failWith,
  hang,
  makeHarness,
  noon,
  realTime,
  type Script,
  succeed,
} from './harness.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 2_000 && !holds(); i++) await turn()
  if (!holds()) throw new Error('it never came to that')
}
const counts = { pages: 1, records: 1, bytes: 1, requests: 1, dropped: 0, sanitised: 0, rejects: 0 }

t.test(
  'a receipt with a fence that was never issued fails the range, not the process',
  async (t) => {
    const script: Script = (job, { send }) => {
      send({ kind: 'range-claimed', fence: job.offeredFence + 1, fetchedFrom: noon })
      const fence = job.offeredFence + 9
      const some = { records: 1, bytes: 1, rowsChanged: 1, checksum: '', fetchedFrom: noon }
      const receipt = { ...some, fence, committedAt: noon }
      send({ kind: 'range-completed', receipt, progress: counts, recovered: false })
    }
    const h = makeHarness(script, [{ start: noon - day }])
    h.engine.syncStream('str_0', 'manual')
    t.equal(await h.ended('str_0'), 'failed')
    t.match(h.deps.runs.last('str_0')?.error?.message, /can't complete/)
    t.equal(h.deps.permits.inUse, 0)
  },
)

t.test('a fault while hearing an attempt fails the attempt, and the run ends', async (t) => {
  const h = makeHarness(succeed, [{ start: noon }])
  h.deps.fences.seen = () => {
    throw new Error('the disk is on fire')
  }
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'failed')
  t.match(h.deps.runs.last('str_0')?.error?.message, /on fire/)
  t.equal(h.deps.permits.inUse, 0)
})

t.test('a plan that fails ends the run with the reason', async (t) => {
  const h = makeHarness(succeed)
  h.deps.config.saveFrontier = () => {
    throw new Error('the disk is full')
  }
  h.engine.syncStream('str_0', 'manual')
  await until(() => h.deps.runs.last('str_0')?.finishedAt !== null)
  t.match(h.deps.runs.last('str_0'), { error: { message: 'the disk is full' } })
  t.equal(h.deps.permits.inUse, 0)
})

t.test('the death of a worker with many ranges in flight does not end the run', async (t) => {
  let alive = true
  const script: Script = async (job, actor) => {
    if (!alive) return succeed(job, actor)
    await until(() => h.jobs.length >= 6)
    setImmediate(() => {
      alive = false
    })
    actor.die('out of memory')
  }
  const h = makeHarness(script, [{ parallelRanges: 6 }])
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'complete')
  t.equal(h.jobs.filter(({ alone }) => alone).length, 6, 'each of them ran again alone')
})

t.test('ranges that each kill their worker alone do end it', async (t) => {
  const h = makeHarness((_job, actor) => actor.die('out of memory'), [{ start: noon - 30 * day }])
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'failed')
  t.equal(h.deps.config.stream('str_0')?.counts.failed, 3)
})

t.test('a commit slot that is given back twice frees nobody else’s', async (t) => {
  const slots = new CommitSlots()
  const early = slots.request('dst', 1, () => {})
  early()
  let held = 0
  const take = () => slots.request('dst', 1, () => held++)
  take()
  early()
  take()
  t.equal(held, 1)
})

t.test('nothing starts while a stream is being cleared', async (t) => {
  const h = makeHarness(succeed)
  h.engine.syncStream('str_0', 'manual')
  await h.ended('str_0')
  const gate = Promise.withResolvers<void>()
  h.deps.pool.run = async () => {
    await gate.promise
    throw new Error('the destination is down')
  }
  const cleared = h.engine.resetStream('str_0', { clear: true })
  t.throws(() => h.engine.syncStream('str_0', 'schedule'), /being reset/)
  await turn()
  t.equal(
    h.deps.config.stream('str_0')?.counts.complete,
    0,
    'before data go, nothing counts as complete any more: the process may end in between',
  )
  gate.resolve()
  await t.rejects(cleared, /is down/)
  t.doesNotThrow(() => h.engine.syncStream('str_0', 'schedule'))
  h.engine.cancelStream('str_0')
})

t.test(
  'a cleared stream starts from nothing: no attempts, no rejects, no held lanes',
  async (t) => {
    const h = makeHarness(failWith(failure('transform', 'record.odd', 'no')), [
      { start: noon - day },
    ])
    h.engine.syncStream('str_0', 'manual')
    await h.ended('str_0')
    const [before] = h.deps.ranges.failed('str_0')
    h.deps.attempts.addRejects(before?.id ?? 0, 1, [{ reason: '', where: '', sample: '' }], noon)
    h.deps.config.setHeldLanes('str_0', 0b110)
    await h.engine.resetStream('str_0', { clear: true })
    t.match(h.deps.config.stream('str_0'), {
      counts: { pending: 0, running: 0, complete: 0, failed: 0 },
      frontier: null,
      heldLanes: 0,
    })
    t.same(h.deps.attempts.list(before?.id ?? 0, 10), [], 'its number may be given again')
    t.same(h.deps.attempts.rejects(before?.id ?? 0, 10), [])
  },
)

t.test('a cancelled re-read leaves the counts of what is committed as they were', async (t) => {
  let reading: Script = succeed
  const h = makeHarness((job, actor) => reading(job, actor), [{ start: noon }])
  h.engine.syncStream('str_0', 'manual')
  await h.ended('str_0')
  reading = (job, actor) => {
    h.clock.now += 2_000
    actor.send({ kind: 'range-progressed', progress: { ...counts, pages: 77, rejects: 5 } })
    return hang(job, actor)
  }
  h.events.length = 0
  h.engine.syncStream('str_0', 'manual')
  const row = () => h.deps.ranges.overlapping('str_0', noon - day, noon + day).at(-1)
  await until(() => row()?.pages === 77)
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
  t.match(row(), { pages: 1, rejects: 0, records: 10, status: 'pending' })
})

t.test('a cancel that nobody answers puts the range back and blames it for nothing', async (t) => {
  const never = () => new Promise<never>(() => {})
  const pool = { run: never, runAlone: never, broadcast: never, started: () => true, close: never }
  const slots = new CommitSlots()
  const deps = { ...realTime, pool, slots, commitSlotLimit: 1, alone: false, answerMs: 1 }
  const ignore = () => {}
  const listener = {
    onClaimed: ignore,
    onProgress: ignore,
    onAsked: ignore,
    onHeld: ignore,
    onRead: ignore,
    onWait: ignore,
    onRejects: ignore,
    onGovernor: ignore,
    onSignIn: ignore,
    onSchemaChange: ignore,
  }
  const range = startRangeTask({ target: {} } as RangeJob, deps, listener)
  range.cancel('cancel')
  t.match(await range.outcome, { kind: 'cancelled' })
})

t.test('without its connector a stream is not planned by guesses', async (t) => {
  const h = makeHarness(succeed)
  const context = h.contexts.get('str_0')
  if (!context) return
  const missing = failure('transform', 'connector.missing', 'it is gone')
  const connector = { ...context.connector, missing, windowed: false }
  h.contexts.set('str_0', { ...context, connector })
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'failed')
  t.equal(h.deps.ranges.full('str_0'), undefined)
  t.match(h.deps.runs.last('str_0'), { error: { code: 'connector.missing' } })
  h.contexts.set('str_0', context)
  h.events.length = 0
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'complete')
  t.ok(h.jobs.every(({ job }) => job.range.kind === 'window'))
})
