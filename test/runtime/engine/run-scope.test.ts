import t from 'tap'
import { RunScope } from '../../../runtime/engine/run-scope.ts'
import type { RangeStore } from '../../../runtime/store/ranges.ts'
import { makeContext } from './harness.ts'

/** A ledger that says how many are pending, and how often it was asked. */
function ledger(pending: number) {
  const state = { pending, asked: 0 }
  const count = () => {
    state.asked += 1
    return state.pending
  }
  const ranges = { countPendingWithin: count, countPending: count } as unknown as RangeStore
  return { state, ranges }
}

t.test(
  'many pending ranges are counted once a second, and what was read is subtracted',
  async (t) => {
    const { state, ranges } = ledger(5_000)
    const scope = new RunScope()
    scope.add({ from: 0, to: 1 })
    const context = makeContext({}, 0)
    const pending = (done: number, now: number) => scope.counts(ranges, context, done, now).pending
    t.equal(pending(0, 10_000), 5_000)
    state.pending = 1
    t.equal(pending(30, 10_900), 4_970)
    t.equal(state.asked, 1)
    t.equal(pending(30, 11_000), 1, 'it is looked at again')
    t.equal(pending(31, 11_001), 1, 'a few are counted each time')
    t.equal(state.asked, 3)
  },
)

t.test('a new window is counted at once', async (t) => {
  const { ranges, state } = ledger(5_000)
  const scope = new RunScope()
  const context = makeContext({}, 0)
  scope.add({ from: 0, to: 1 })
  scope.counts(ranges, context, 0, 0)
  scope.add({ from: 5, to: 6 })
  t.equal(scope.counts(ranges, context, 0, 0).pending, 10_000)
  t.equal(state.asked, 3)
})

t.test('of a whole stream its own counters tell, unless lanes are held', async (t) => {
  const { ranges, state } = ledger(5_000)
  const scope = new RunScope()
  scope.add()
  const counts = { pending: 7, running: 0, complete: 0, failed: 2 }
  t.same(scope.counts(ranges, makeContext({ counts }, 0), 0, 0), { pending: 7, failed: 2 })
  t.equal(state.asked, 0)
  const held = makeContext({ counts, heldLanes: 6 }, 0)
  t.same(scope.counts(ranges, held, 0, 0), { pending: 5_000, failed: 2 })
  t.same(scope.counts(ranges, held, 1, 0), { pending: 4_999, failed: 2 })
  t.equal(state.asked, 1)
})
