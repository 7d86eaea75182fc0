/** How many ranges are read at once follows what the API makes of it. */
import fc from 'fast-check'
import t from 'tap'
import { RangePace } from '../../../runtime/engine/range-pace.ts'
import { failure } from '../../../schema/error.ts'
import { failWith, hang, makeHarness, type Script } from './harness.ts'

/** An API whose throughput grows with what is asked at once, up to a bound, for so many seconds. */
function run(pace: RangePace, best: number, seconds: number, from = 0): void {
  for (let s = 0; s < seconds; s++)
    pace.read(1_000 * Math.min(pace.parallel, best), pace.parallel, (from + s) * 1_000)
}

t.test('it grows while throughput grows, and not beyond', async (t) => {
  for (const best of [8, 12, 20, 32]) {
    const pace = new RangePace()
    run(pace, best, 300)
    t.ok(pace.parallel >= best, `${pace.parallel} where ${best} is best`)
    t.ok(pace.parallel < best + 8, `${pace.parallel} where ${best} is best`)
  }
})

t.test('what is not used to the full says nothing about more', async (t) => {
  const pace = new RangePace()
  for (let s = 0; s < 100; s++) pace.read(1_000 * s, 2, s * 1_000)
  t.equal(pace.parallel, 8)
})

t.test('a refusal halves it, once for answers of one moment, and it comes back', async (t) => {
  const pace = new RangePace()
  for (let i = 0; i < 8; i++) pace.refused(i)
  t.equal(pace.parallel, 4)
  pace.refused(5_000)
  pace.refused(10_000)
  pace.refused(15_000)
  t.equal(pace.parallel, 1)
  run(pace, 32, 20, 20)
  t.equal(pace.parallel, 1, 'not at once')
  run(pace, 32, 60, 40)
  t.ok(pace.parallel > 4, String(pace.parallel))
})

t.test('it is never below one nor above the bound', async (t) => {
  const act = fc.oneof(
    fc.record({ records: fc.nat(10_000), inFlight: fc.nat(40) }),
    fc.constant('refused' as const),
  )
  const details = fc.check(
    fc.property(fc.array(fc.tuple(act, fc.nat(5_000)), { maxLength: 200 }), (acts) => {
      const pace = new RangePace()
      let now = 0
      for (const [one, ms] of acts) {
        now += ms
        const before = pace.parallel
        if (one === 'refused') pace.refused(now)
        else pace.read(one.records, one.inFlight, now)
        if (!(pace.parallel >= 1 && pace.parallel <= 32)) return false
        if (one === 'refused' && pace.parallel > before) return false
      }
      return true
    }),
    { numRuns: 300 },
  )
  t.notOk(details.failed, JSON.stringify(details.counterexample))
})

t.test('a run reads fewer ranges at once after its API refused', async (t) => {
  const script: Script = (job, actor) => {
    if (h.jobs.length > 1) return hang(job, actor)
    actor.send({ kind: 'source-waited', untilMs: 0, reason: '429', refused: true })
    return failWith(failure('network', 'network.cut', 'cut'))(job, actor)
  }
  const source = { id: 'x', name: 'x', zone: 'UTC', paused: false, pausedReason: null }
  const h = makeHarness(script, [
    { parallelRanges: 'auto', start: 0, source: { ...source, pausedUntil: null, maxInFlight: 1 } },
  ])
  h.engine.syncStream('str_0', 'manual')
  for (let i = 0; i < 500 && h.jobs.length < 2; i++) await new Promise(setImmediate)
  const context = h.contexts.get('str_0')
  if (context)
    h.contexts.set('str_0', { ...context, source: { ...context.source, maxInFlight: 50 } })
  h.engine.streamChanged('str_0')
  for (let i = 0; i < 200; i++) await new Promise(setImmediate)
  t.equal(h.deps.config.stream('str_0')?.counts.running, 4, 'instead of eight')
  h.engine.cancelStream('str_0')
  await h.ended('str_0')
})
