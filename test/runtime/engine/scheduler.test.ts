/** What a tick starts, and what it leaves alone. */
import fc from 'fast-check'
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
  const engine: Pick<Harness['engine'], 'syncStream' | 'endUnwanted'> = {
    endUnwanted: () => h.engine.endUnwanted(),
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

const crossings: [string, string, number][] = [
  ['Pacific/Apia', 'skips a date', Date.UTC(2011, 11, 27)],
  ['Africa/Cairo', 'skips a midnight', Date.UTC(2024, 3, 23)],
  ['Africa/Cairo', 'has an hour before midnight twice', Date.UTC(2024, 9, 29)],
  ['Australia/Lord_Howe', 'skips half an hour', Date.UTC(2024, 9, 4)],
  ['Australia/Lord_Howe', 'has half an hour twice', Date.UTC(2024, 3, 5)],
  ['Asia/Kolkata', 'is half an hour off', Date.UTC(2024, 3, 5)],
]
for (const [zone, what, from] of crossings) {
  t.test(`a daily schedule fires once on each date where ${zone} ${what}`, async () => {
    const dates = new Intl.DateTimeFormat('sv', { timeZone: zone })
    const dateOf = (at: number) => dates.format(at)
    fc.assert(
      fc.property(
        fc.nat(23),
        fc.nat(59),
        fc.integer({ min: 10, max: 90 }),
        (hour, minutes, step) => {
          const isDue = makeDueCheck()
          let answered = from
          const fired: string[] = []
          const there = new Set<string>()
          for (let now = from; now < from + 6 * day; now += step * minute) {
            // The first date and the last may lack the time itself.
            if (now > from + day && now < from + 5 * day) there.add(dateOf(now))
            if (!isDue(`${minutes} ${hour} * * *`, zone, answered, now)) continue
            const last = nextFire(`${minutes} ${hour} * * *`, zone, answered)
            answered = now
            if (last !== null) fired.push(dateOf(last))
          }
          const isOnce = new Set(fired).size === fired.length
          return isOnce && [...there].slice(1, -1).every((date) => fired.includes(date))
        },
      ),
      { numRuns: 12 },
    )
  })
}

t.test(
  'what a tick does comes in the order of its duties, whatever one of them throws',
  async (t) => {
    const h = makeHarness(succeed, [{ schedule: '* * * * *', lastScheduledAt: noon - day }])
    const order: string[] = []
    const engine = {
      endUnwanted: () => void order.push('runs that should end'),
      syncStream: (id: string, trigger: RunTrigger) => {
        order.push(trigger)
        return h.engine.syncStream(id, trigger)
      },
    }
    const before = ['tokens', 'sessions', 'settings'].map((duty) => () => {
      order.push(duty)
      if (duty === 'sessions') throw new Error('odd')
    })
    const errors: unknown[] = []
    await new Scheduler(h.deps, engine, { before }, (error) => errors.push(error)).tick()
    t.same(order, ['tokens', 'sessions', 'settings', 'runs that should end', 'schedule'])
    t.equal(errors.length, 1)
    await h.ended('str_0')
  },
)

t.test('a tick ends runs of streams that were disabled or deleted unnoticed', async (t) => {
  for (const how of ['disabled', 'deleted', 'disabled while it waits'] as const) {
    const h = makeHarness(hang)
    const { scheduler } = schedule(h)
    if (how === 'disabled while it waits') h.deps.permits.setLimits({ global: 0, perSource: 1 })
    h.engine.syncStream('str_0', 'manual')
    if (how !== 'disabled while it waits') await until(() => h.jobs.length === 1)
    const context = h.contexts.get('str_0')
    if (how === 'deleted') h.contexts.delete('str_0')
    else if (context) h.contexts.set('str_0', { ...context, enabled: false })
    await scheduler.tick()
    t.equal(await h.ended('str_0'), 'cancelled', how)
  }
})

t.test('a run that takes too long ends, and the next one goes on', async (t) => {
  const h = makeHarness(hang, [{ maxRunMs: 30 * minute, schedule: '0 * * * *' }])
  const { scheduler, started } = schedule(h)
  await scheduler.tick()
  h.engine.syncStream('str_0', 'manual')
  await until(() => h.jobs.length === 1)
  h.clock.now = noon + 29 * minute
  await scheduler.tick()
  t.equal(h.deps.runs.active('str_0')?.status, 'running')
  h.clock.now = noon + 30 * minute
  await scheduler.tick()
  t.equal(await h.ended('str_0'), 'failed')
  const ended = h.events.findLast((event) => event.kind === 'run-changed')
  t.match(ended, { run: { error: { code: 'run.too_long' } } })
  t.match(h.deps.config.stream('str_0'), { heldLanes: 0, counts: { pending: 6, running: 0 } })
  h.clock.now = noon + 60 * minute
  await scheduler.tick()
  t.same(started, ['schedule'])
  await until(() => h.jobs.length === 2)
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
})

t.test('a run that has yielded is ended as well once its time is over', async (t) => {
  const h = makeHarness(hang, [{ maxRunMs: minute }])
  const { scheduler } = schedule(h)
  h.deps.permits.setLimits({ global: 0, perSource: 1 })
  h.engine.syncStream('str_0', 'manual')
  const run = h.deps.runs.active('str_0')
  t.equal(run?.status, 'queued')
  h.clock.now += 5 * minute
  await scheduler.tick()
  t.equal(h.deps.runs.active('str_0')?.status, 'queued', 'its time has not begun')
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
})

t.test('a stream that its source does not offer is left alone until it does', async (t) => {
  const h = makeHarness(succeed, [{ schedule: '*/15 * * * *', lastScheduledAt: noon }])
  const { scheduler, started } = schedule(h)
  const context = h.contexts.get('str_0')
  if (!context) return
  const set = (isOffered: boolean) =>
    h.contexts.set('str_0', { ...context, connector: { ...context.connector, isOffered } })
  set(false)
  h.clock.now = noon + 20 * minute
  await scheduler.tick()
  t.same(started, [])
  h.engine.syncStream('str_0', 'manual')
  t.equal(await h.ended('str_0'), 'failed')
  t.equal(h.jobs.length, 0)
  set(true)
  await scheduler.tick()
  t.same(started, ['schedule'])
  h.events.length = 0
  await h.ended('str_0')
})
