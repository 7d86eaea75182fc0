import t from 'tap'
import { ByteBudget, expectedCost } from '../../actors/byte-budget.ts'

const open = new AbortController().signal

t.test('pages wait until they fit, in order; one always goes on', async (t) => {
  const budget = new ByteBudget(100)
  const order: string[] = []
  const giveBig = await budget.take(500, open)
  const second = budget.take(60, open).then((give) => {
    order.push('second')
    return give
  })
  const third = budget.take(10, open).then((give) => {
    order.push('third')
    return give
  })
  await new Promise(setImmediate)
  t.same(order, [], 'nothing fits beside the big one')
  giveBig()
  giveBig()
  const [giveSecond, giveThird] = await Promise.all([second, third])
  t.same(order, ['second', 'third'])
  t.equal(budget.used, 70)
  giveSecond()
  giveThird()
  t.equal(budget.used, 0)
})

t.test('an aborted wait leaves the queue and takes nothing', async (t) => {
  const budget = new ByteBudget(100)
  const give = await budget.take(100, open)
  const abort = new AbortController()
  const waiting = budget.take(50, abort.signal)
  const next = budget.take(50, open)
  abort.abort(new Error('cancelled'))
  await t.rejects(waiting, { message: 'cancelled' })
  give()
  ;(await next)()
  t.equal(budget.used, 0)
  await t.rejects(budget.take(1, abort.signal))
})

t.test('the expected cost follows the last page', async (t) => {
  t.equal(expectedCost(0), 1024 * 1024)
  t.equal(expectedCost(1024 * 1024), 8 * 1024 * 1024)
})
