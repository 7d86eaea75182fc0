import t from 'tap'
import { Governors } from '../../../runtime/engine/governors.ts'
import type { SourceBudgetRow } from '../../../runtime/store/source-budgets.ts'
import { limitGroup } from '../../../schema/manifest/limit.ts'
import type { Manifest } from '../../../schema/manifest/manifest.ts'
import type { LeaveAnswer } from '../../../schema/protocol.ts'

/** A machine whose clock can be set, with processes that come and go on it. */
function machine() {
  const stored = new Map<string, SourceBudgetRow>()
  const time = { now: Date.UTC(2026, 5, 15), elapsed: 0 }
  return {
    pass: (ms: number) => {
      time.now += ms
      time.elapsed += ms
    },
    setClock: (ms: number) => {
      time.now += ms
    },
    start: () =>
      new Governors({
        now: () => time.now,
        elapsed: () => time.elapsed,
        wakeAt: () => () => {},
        budgets: {
          find: (id) => structuredClone(stored.get(id)),
          save: (id, row) => void stored.set(id, structuredClone(row)),
        },
        savePause: () => {},
        expectsFresh: () => false,
        onWaiting: () => {},
      }),
  }
}

const limit = { requests: 6, per_ms: 1_000 }
const manifest = { api: { limits: [limit] }, streams: {} } as unknown as Manifest
type Source = Parameters<Governors['declare']>[0]
const sourceOf = (id: string) => ({ id, name: id, pausedUntil: null }) as unknown as Source

/** How many of ten requests are let go at once. */
function grantedNow(governors: Governors, id = 'shop'): number {
  let granted = 0
  const heard = new Map<string, (message: unknown) => void>()
  governors.declare(sourceOf(id), manifest)
  governors.attach(id, {
    postMessage: (message) => {
      const answer = message as LeaveAnswer
      if (answer.kind === 'leave-granted') granted += answer.count
    },
    on: (event, listener) => heard.set(event, listener),
    close: () => {},
  })
  const groups = [limitGroup(null, undefined)]
  heard.get('message')?.({ kind: 'leave-wanted', groups, lane: 'history', count: 10 })
  heard.get('close')?.(undefined)
  return granted
}

t.test('a restart spends no window twice', async (t) => {
  const { start, pass } = machine()
  t.equal(grantedNow(start()), 6)
  pass(100)
  t.equal(grantedNow(start()), 0)
})

for (const by of [3_600_000, -3_600_000]) {
  t.test(`nor does one after which the clock is set by ${by} ms`, async (t) => {
    const { start, pass, setClock } = machine()
    t.equal(grantedNow(start()), 6)
    pass(100)
    const next = start()
    pass(100)
    setClock(by)
    t.equal(grantedNow(next, 'other'), 6, 'by another source it is noticed')
    t.equal(grantedNow(next), 0, 'what was stored before keeps its age')
    pass(2_500)
    t.equal(grantedNow(next), 6, 'and is over in time')
  })
}

t.test('what was stored after the clock was set is not moved again', async (t) => {
  const { start, pass, setClock } = machine()
  const governors = start()
  setClock(3_600_000)
  t.equal(grantedNow(governors), 6)
  // A thousand others: the first one's budget leaves memory and is read again.
  for (let n = 0; n < 1_001; n++) governors.declare(sourceOf(`other-${n}`), manifest)
  pass(2_500)
  t.equal(grantedNow(governors), 6)
})
