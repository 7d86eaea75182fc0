import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import { SignIns } from '../../../runtime/engine/sign-ins.ts'
import { openChannel } from '../../../schema/channel.ts'
import { derrickError } from '../../../schema/error.ts'
import type { IssuedToken, SignInAnswer, SignInRequest } from '../../../schema/protocol.ts'

const token = (value: string, expiresAt: number | null = null): IssuedToken => ({
  value,
  expiresAt,
  saved: {},
})

/** The keeper of one source with a clock that stands still, and what it stored. */
function makeKeeper() {
  const alarms = new Set<() => void>()
  const state = { now: 1_000_000, secret: 'r0', fails: false }
  const signIns = new SignIns({
    now: () => state.now,
    wakeAt: (_, call) => {
      alarms.add(call)
      return () => alarms.delete(call)
    },
    secretsOf: () => ({ refresh_token: state.secret }),
    store: (_, secrets) => {
      if (state.fails) throw derrickError('unknown', 'disk.full', 'no room')
      state.secret = secrets.refresh_token ?? state.secret
    },
  })
  /** One worker: what it hears, in order. */
  const worker = () => {
    const { port1, port2 } = new MessageChannel()
    const heard: SignInAnswer[] = []
    let wake = (): void => {}
    const hear = (answer: SignInAnswer): void => {
      heard.push(answer)
      wake()
    }
    const channel = openChannel<SignInRequest, SignInAnswer>(port1, {
      'sign-in-known': hear,
      'sign-in-leased': hear,
      'sign-in-refused': hear,
    })
    signIns.attach('src_1', port2)
    t.teardown(() => port1.close())
    return {
      send: channel.send,
      close: channel.close,
      async next(): Promise<SignInAnswer> {
        while (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve))
        return heard.shift() as SignInAnswer
      },
    }
  }
  return { state, alarms, worker, signIns }
}

t.test('one renews, all are given what came of it, and it is stored by then', async (t) => {
  const { state, worker } = makeKeeper()
  const [first, second] = [worker(), worker()]
  first.send({ kind: 'sign-in-wanted', stale: null })
  t.same(await first.next(), { kind: 'sign-in-leased', secrets: { refresh_token: 'r0' } })
  second.send({ kind: 'sign-in-wanted', stale: null })
  first.send({ kind: 'sign-in-renewed', token: token('a1'), secrets: { refresh_token: 'r1' } })
  t.match(await first.next(), { kind: 'sign-in-known', token: { value: 'a1' } })
  t.equal(state.secret, 'r1')
  t.match(await second.next(), { kind: 'sign-in-known', token: { value: 'a1' } })
  second.send({ kind: 'sign-in-wanted', stale: 'a1' })
  t.same(await second.next(), { kind: 'sign-in-leased', secrets: { refresh_token: 'r1' } })
})

t.test('a token that ends soon, or was of other secrets, is given to nobody', async (t) => {
  const { state, worker, signIns } = makeKeeper()
  const one = worker()
  one.send({ kind: 'sign-in-wanted', stale: null })
  await one.next()
  const ends = state.now + 100_000
  one.send({ kind: 'sign-in-renewed', token: token('a1', ends), secrets: {} })
  await one.next()
  one.send({ kind: 'sign-in-wanted', stale: null })
  t.equal((await one.next()).kind, 'sign-in-known')
  state.now += 50_000
  one.send({ kind: 'sign-in-wanted', stale: null })
  t.equal((await one.next()).kind, 'sign-in-leased')
  one.send({ kind: 'sign-in-renewed', token: token('a2'), secrets: {} })
  await one.next()
  signIns.forget('src_1')
  one.send({ kind: 'sign-in-wanted', stale: null })
  t.equal((await one.next()).kind, 'sign-in-leased')
})

t.test('who fails, dies or hangs leaves the renewal to the next', async (t) => {
  const { state, alarms, worker } = makeKeeper()
  const [failing, dying, hanging, last] = [worker(), worker(), worker(), worker()]
  failing.send({ kind: 'sign-in-wanted', stale: null })
  await failing.next()
  for (const other of [dying, hanging, last]) other.send({ kind: 'sign-in-wanted', stale: null })
  failing.send({ kind: 'sign-in-failed' })
  t.equal((await dying.next()).kind, 'sign-in-leased')
  dying.close()
  t.equal((await hanging.next()).kind, 'sign-in-leased')
  for (const alarm of alarms) alarm()
  t.equal((await last.next()).kind, 'sign-in-leased')
  last.send({ kind: 'sign-in-renewed', token: token('a2'), secrets: { refresh_token: 'r2' } })
  t.match(await last.next(), { token: { value: 'a2' } })
  // It comes too late: the API knows the newer secret only.
  hanging.send({ kind: 'sign-in-renewed', token: token('a1'), secrets: { refresh_token: 'r1' } })
  t.match(await hanging.next(), { kind: 'sign-in-known', token: { value: 'a2' } })
  t.equal(state.secret, 'r2')
})

t.test('what cannot be stored is not used', async (t) => {
  const { state, worker } = makeKeeper()
  const one = worker()
  state.fails = true
  one.send({ kind: 'sign-in-wanted', stale: null })
  await one.next()
  one.send({ kind: 'sign-in-renewed', token: token('a1'), secrets: { refresh_token: 'r1' } })
  t.match(await one.next(), { kind: 'sign-in-refused', failure: { code: 'disk.full' } })
  one.send({ kind: 'sign-in-wanted', stale: null })
  t.equal((await one.next()).kind, 'sign-in-leased')
})
