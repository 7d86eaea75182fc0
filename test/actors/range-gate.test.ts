/** The way of a range's requests while the supervisor holds it and lets it go on. */
import t from 'tap'
import { RangeGate } from '../../actors/range-gate.ts'

const never = new AbortController().signal
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

function scene() {
  const board = new SharedArrayBuffer(8)
  const words = new Int32Array(board)
  const held: number[] = []
  let asked = 0
  const gate = new RangeGate(
    { board, at: 1 },
    { onHeld: (nth) => held.push(nth), onAsked: () => asked++ },
  )
  const set = (isHeld: boolean): void => {
    words[1] = isHeld ? 1 : 0
  }
  return { gate, set, held, asked: () => asked }
}

t.test('the word alone stops the next request, before any message', async (t) => {
  const { gate, set, held } = scene()
  set(true)
  let hasPassed = false
  void gate.pass(never).then(() => {
    hasPassed = true
  })
  await turn()
  t.notOk(hasPassed)
  gate.hold(1)
  t.same(held, [1], 'nothing is under way: it says so at once')
  set(false)
  gate.release()
  await turn()
  t.ok(hasPassed)
})

t.test(
  'it says that it is held once its request has ended, and only for the last hold',
  async (t) => {
    const { gate, set, held, asked } = scene()
    await gate.pass(never)
    const leave = gate.begin(() => {})
    t.equal(asked(), 1)
    set(true)
    gate.hold(1)
    set(false)
    gate.release()
    set(true)
    gate.hold(2)
    t.same(held, [])
    leave()
    leave()
    t.same(held, [2])
  },
)

t.test('a hold that was taken back is not answered', (t) => {
  const { gate, set, held } = scene()
  set(true)
  set(false)
  gate.hold(1)
  t.same(held, [])
  t.end()
})

t.test(
  'whoever waits at it can be cancelled, and whoever waits for leave gives that up',
  async (t) => {
    const { gate, set } = scene()
    let given = 0
    const forget = gate.onHold(() => given++)
    set(true)
    const cancel = new AbortController()
    const passing = gate.pass(cancel.signal)
    gate.hold(1)
    t.equal(given, 1)
    forget()
    gate.hold(2)
    t.equal(given, 1)
    cancel.abort(new Error('cancelled'))
    await t.rejects(passing, { message: 'cancelled' })
  },
)
