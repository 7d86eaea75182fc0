/** What a tick starts, and what it leaves alone. */
import t from 'tap'
import { makeDueCheck, nextFire } from '../../../runtime/engine/schedule.ts'
import { Scheduler } from '../../../runtime/engine/scheduler.ts'
import type { RunTrigger } from '../../../schema/run.ts'
import { day, type Harness, hang, makeHarness, noon, type Script, succeed } from './harness.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 2_000 && !holds(); i++) await turn()
  if (!holds()) throw new Error('it never came to that')
}
const minute = 60_000

function schedule(h: Harness) {
  const started: RunTrigger[] = []
  const errors: unknown[] = []
  const engine: Pick<Harness['engine'], 'syncStream'> = {
    syncStream: (streamId, trigger, window) => {
      const answer = h.engine.syncStream(streamId, trigger, window)
      started.push(trigger)
      return answer
    },
  }
  const scheduler = new Scheduler(h.deps, engine, { before: [] }, (error) => errors.push(error))
  return { scheduler, started, errors }
}

t.test('a schedule fires at its times, once for all that were missed', async (t) => {
  const h = makeHarness(succeed, [{ schedule: '*/15 * * * *' }])
  const { scheduler, started } = schedule(h)
  await scheduler.tick()
  t.same(started, [], 'a new schedule waits for its first time')
  h.clock.now = noon + 15 * minute
  await scheduler.tick()
  await scheduler.tick()
  t.same(started, ['schedule'])
  await h.ended('str_0')
  h.clock.now = noon + 10 * day + minute
  await scheduler.tick()
  await scheduler.tick()
  t.same(started, ['schedule', 'schedule'])
  await h.ended('str_0')
})

t.test(
  'a clock that went back fires nothing twice, and one that was far ahead is forgiven',
  async (t) => {
    const h = makeHarness(succeed, [{ schedule: '*/15 * * * *', lastScheduledAt: noon }])
    const { scheduler, started } = schedule(h)
    h.clock.now = noon - minute
    await scheduler.tick()
    h.clock.now = noon + minute
    await scheduler.tick()
    t.same(started, [])
    h.deps.config.setScheduledAt('str_0', noon + 400 * day)
    await scheduler.tick()
    h.clock.now = noon + 16 * minute
    await scheduler.tick()
    t.same(started, ['schedule'])
    await h.ended('str_0')
  },
)

t.test('a time that comes while the run before is being cancelled is not lost', async (t) => {
  const gate = Promise.withResolvers<void>()
  const script: Script = async (job, actor) => {
    await actor.cancelled
    await gate.promise
    return hang(job, actor)
  }
  const h = makeHarness(script, [{ schedule: '0 3 * * *', lastScheduledAt: noon }])
  const { scheduler, started, errors } = schedule(h)
  h.engine.syncStream('str_0', 'manual')
  await until(() => h.jobs.length === 1)
  h.engine.cancelStream('str_0')
  h.clock.now = noon + day
  await scheduler.tick()
  t.same(started, [])
  t.equal(errors.length, 1)
  gate.resolve()
  await h.ended('str_0')
  await scheduler.tick()
  t.same(started, ['schedule'], 'the next tick is not a day later')
  h.engine.cancelStream('str_0')
})

t.test('due failures of a stream that is being read are left to its run', async (t) => {
  let fails = true
  const script: Script = (job, actor) => {
    if (job.range.start > noon - day) return succeed(job, actor)
    if (!fails) return hang(job, actor)
    fails = false
    const failure = { category: 'network', code: 'n', message: 'm', retryable: true } as const
    const progress = { pages: 0, records: 0, bytes: 0, requests: 0, dropped: 0, sanitised: 0 }
    actor.send({ kind: 'range-failed', failure, progress: { ...progress, rejects: 0 } })
  }
  const h = makeHarness(script)
  const { scheduler, started } = schedule(h)
  h.engine.syncStream('str_0', 'manual')
  await until(() => h.jobs.length === 3)
  h.clock.now += 10 * minute
  for (let i = 0; i < 5; i++) await scheduler.tick()
  t.same(started, [])
  const opened = h.jobs.filter(({ job }) => job.range.start > noon - day).length
  t.equal(opened, 1, 'the open day is not read again at each tick')
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
  await scheduler.tick()
  t.same(started, ['retry'])
  h.engine.cancelStream('str_0')
})

t.test('the remembered times of a schedule are those of croner', async (t) => {
  const isDue = makeDueCheck()
  const pattern = '30 2 * * *'
  const zone = 'Europe/Berlin'
  const spring = Date.UTC(2026, 2, 28)
  let fired = spring
  const times: string[] = []
  for (let now = spring; now < spring + 3 * day; now += 10 * minute) {
    if (!isDue(pattern, zone, fired, now)) continue
    fired = now
    times.push(new Date(now).toISOString())
  }
  const expected: string[] = []
  for (let at = nextFire(pattern, zone, spring); at !== null && at < spring + 3 * day; ) {
    expected.push(new Date(at).toISOString())
    at = nextFire(pattern, zone, at)
  }
  t.same(times, expected)
  t.equal(times.length, 3, 'also in the night that skips this hour')
})
