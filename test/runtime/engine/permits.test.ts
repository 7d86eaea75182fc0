import fc from 'fast-check'
import t from 'tap'
import { CommitSlots } from '../../../runtime/engine/commit-slots.ts'
import { Permits } from '../../../runtime/engine/permits.ts'
import { RunQueue } from '../../../runtime/engine/run-queue.ts'

t.test('both permits or none; limits hold while they change; nothing is lost', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('take' as const), source: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('release' as const), source: fc.constantFrom('a', 'b', 'c') }),
    fc.record({
      do: fc.constant('limit' as const),
      global: fc.integer({ min: 1, max: 6 }),
      perSource: fc.integer({ min: 1, max: 4 }),
    }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const permits = new Permits({ global: 4, perSource: 2 })
      const held: string[] = []
      for (const one of steps) {
        if (one.do === 'limit') permits.setLimits(one)
        if (one.do === 'take') {
          const [total, mine] = [held.length, held.filter((source) => source === one.source).length]
          const fits = total < permits.limits.global && mine < permits.limits.perSource
          if (permits.take(one.source) !== fits) return false
          if (fits) held.push(one.source)
        }
        if (one.do === 'release' && held.includes(one.source)) {
          permits.release(one.source)
          held.splice(held.indexOf(one.source), 1)
        }
        if (permits.inUse !== held.length) return false
      }
      for (const source of held) permits.release(source)
      return permits.inUse === 0 && permits.inUseBy('a') === 0
    }),
  )
})

t.test('giving back what was never taken is an error, not a permit more', async (t) => {
  t.throws(() => new Permits({ global: 1, perSource: 1 }).release('a'))
})

const run = (
  id: string,
  sourceId: string,
  lane: 'fresh' | 'history' = 'history',
  queuedAt = 0,
) => ({
  runId: id,
  streamId: `str_${id}`,
  sourceId,
  lane,
  queuedAt,
})
const always = () => true

t.test('fresh work goes first, then whoever was granted longest ago', async (t) => {
  const permits = new Permits({ global: 1, perSource: 1 })
  const queue = new RunQueue(permits)
  queue.add(run('old', 'a', 'history', 1))
  queue.add(run('new', 'b', 'fresh', 2))
  t.same(
    queue.grant(always).map((one) => one.runId),
    ['new'],
  )
  t.match(queue.waitingFor('old'), /1 at once/)
  permits.release('b')
  queue.add(run('new', 'b', 'history', 0))
  t.same(
    queue.grant(always).map((one) => one.runId),
    ['old'],
    'round robin beats waiting time',
  )
})

t.test('a source at its limit never blocks another one', async (t) => {
  const queue = new RunQueue(new Permits({ global: 4, perSource: 1 }))
  for (const id of ['1', '2', '3']) queue.add(run(id, 'a', 'fresh', Number(id)))
  queue.add(run('4', 'b', 'history', 9))
  t.same(
    queue.grant(always).map((one) => one.runId),
    ['1', '4'],
  )
  t.equal(queue.size, 2)
})

t.test('runs whose source must wait hold no permits', async (t) => {
  const permits = new Permits({ global: 1, perSource: 1 })
  const queue = new RunQueue(permits)
  queue.add(run('1', 'a', 'fresh', 1))
  queue.add(run('2', 'b', 'history', 2))
  t.same(
    queue.grant(({ sourceId }) => sourceId !== 'a').map((one) => one.runId),
    ['2'],
  )
})

t.test('permits are wanted only by runs that they would help', async (t) => {
  const permits = new Permits({ global: 4, perSource: 1 })
  const queue = new RunQueue(permits)
  permits.take('a')
  permits.take('b')
  queue.add(run('1', 'a', 'fresh', 0))
  t.equal(queue.wants('b', 'history', 0, 1, always), null, 'a permit of b does not help a run of a')
  t.equal(queue.wants('a', 'history', 0, 1, always), 'fresher', 'fresher work of the same source')
  t.equal(queue.wants('a', 'fresh', 0, 1, always), null)
  t.equal(
    queue.wants('a', 'fresh', 0, 60_000, always),
    'fair',
    'long enough held, long enough waited',
  )
})

t.test('commit slots: never more than the limit, in order, given back once', async (t) => {
  const slots = new CommitSlots()
  const granted: number[] = []
  const give = Array.from({ length: 6 }, (_, i) => slots.request('dst', 2, () => granted.push(i)))
  t.same(granted, [0, 1])
  give[0]?.()
  give[0]?.()
  t.same(granted, [0, 1, 2])
  give[3]?.()
  give[1]?.()
  t.same(granted, [0, 1, 2, 4], 'one that left the queue is passed over')
})
