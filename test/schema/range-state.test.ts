import fc from 'fast-check'
import t from 'tap'
import { failure } from '../../schema/error.ts'
import type { RangeStatus } from '../../schema/range.ts'
import {
  applyChange,
  calendarLetter,
  IllegalTransition,
  never,
  type RangeChange,
  type RangeState,
  shownStatus,
} from '../../schema/range-state.ts'

const rules = { settleMs: 0, lookbackMs: 0, untilUnchanged: false }
const retry = { max_attempts: 3, backoff_seconds: 2 }
const now = Date.UTC(2026, 0, 2)
const fresh: RangeState = {
  kind: 'window',
  start: now - 86_400_000,
  end: now,
  status: 'pending',
  lane: 'fresh',
  dueAt: 0,
  failures: 0,
  crashes: 0,
  fence: 0,
  runId: null,
  committedAt: null,
  committedFence: null,
  fetchedFrom: null,
  sealed: false,
  unchanged: 0,
  force: false,
  error: null,
}
const receipt = (fence: number, fetchedFrom = now) => ({
  fence,
  records: 1,
  bytes: 1,
  rowsChanged: null,
  checksum: '0',
  fetchedFrom,
  committedAt: now,
})
const network = failure('network', 'network.econnreset', 'cut')

const change: Record<RangeChange['kind'], RangeChange> = {
  claim: { kind: 'claim', fence: 7, runId: 'run_1' },
  fence: { kind: 'fence', fence: 9 },
  complete: { kind: 'complete', receipt: receipt(7), rules, hasChanged: true, recovered: false },
  fail: { kind: 'fail', failure: network, retry, now, random: 0.5 },
  release: { kind: 'release' },
  crash: { kind: 'crash', failure: network },
  interrupt: { kind: 'interrupt', failure: network },
  retry: { kind: 'retry', resetFailures: true },
  reopen: { kind: 'reopen', lane: 'repair' },
}

const allowed: Record<RangeStatus, RangeChange['kind'][]> = {
  pending: ['claim'],
  running: ['fence', 'complete', 'fail', 'release', 'crash', 'interrupt'],
  complete: ['reopen'],
  failed: ['retry'],
}

t.test('these transitions exist and no others', async (t) => {
  for (const status of Object.keys(allowed) as RangeStatus[]) {
    for (const kind of Object.keys(change) as RangeChange['kind'][]) {
      const apply = () => applyChange({ ...fresh, status, fence: 7 }, change[kind])
      if (allowed[status].includes(kind)) t.doesNotThrow(apply, `${status} can ${kind}`)
      else t.throws(apply, IllegalTransition, `${status} can't ${kind}`)
    }
  }
})

t.test('only the fence that was issued completes a range', async (t) => {
  const running = applyChange(applyChange(fresh, change.claim), change.fence)
  t.throws(() => applyChange(running, change.complete), IllegalTransition)
  const done = applyChange(running, {
    kind: 'complete',
    receipt: receipt(9),
    rules,
    hasChanged: true,
    recovered: false,
  })
  t.equal(done.status, 'complete')
  t.equal(done.committedFence, 9)
})

t.test(
  'no sequence of changes takes committed data away or leaves a sealed range unsealed by failing',
  async () => {
    const anyChange = fc.constantFrom(...Object.values(change))
    fc.assert(
      fc.property(fc.array(anyChange, { maxLength: 40 }), (changes) => {
        let state = fresh
        for (const one of changes) {
          let next: RangeState
          try {
            next = applyChange(state, one)
          } catch (error) {
            if (error instanceof IllegalTransition) continue
            throw error
          }
          const committed = state.committedAt !== null
          if (committed && next.committedAt === null) return false
          if (committed && one.kind !== 'complete' && next.committedFence !== state.committedFence)
            return false
          if (committed && shownStatus(next) !== 'complete' && next.status !== 'running')
            return false
          if (next.fence < state.fence && one.kind !== 'claim') return false
          state = next
        }
        return true
      }),
    )
  },
)

t.test('a range is sealed only when it was read after it had ended and settled', async (t) => {
  const running = applyChange(fresh, change.claim)
  const complete = (fetchedFrom: number, settleMs: number) =>
    applyChange(running, {
      kind: 'complete',
      receipt: receipt(7, fetchedFrom),
      rules: { ...rules, settleMs },
      hasChanged: true,
      recovered: false,
    })
  t.equal(complete(now - 1, 0).sealed, false)
  t.equal(complete(now, 0).sealed, true)
  t.equal(complete(now, 1).sealed, false)
  t.equal(complete(now + 60_000, 60_000).sealed, true)
})

t.test(
  'tries are counted, waits that the API asked for are not, and hopeless categories give up',
  async (t) => {
    const running = { ...fresh, status: 'running' as const, fence: 7 }
    const fail = (state: RangeState, failed: Parameters<typeof failure>) =>
      applyChange(state, { kind: 'fail', failure: failure(...failed), retry, now, random: 0 })
    const first = fail(running, ['network', 'x', 'x'])
    t.equal(first.failures, 1)
    t.equal(first.dueAt, now + 1_000, 'half of the base at the least')
    const waits = fail(running, ['rate_limit', 'x', 'x', { retry_after_ms: 5_000 }])
    t.match(waits, { failures: 0, dueAt: now + 5_000 })
    t.equal(
      fail({ ...running, failures: 2 }, ['network', 'x', 'x']).dueAt,
      never,
      'the third try was the last',
    )
    for (const category of ['auth', 'transform', 'destination'] as const) {
      t.equal(fail(running, [category, 'x', 'x']).dueAt, never, category)
    }
  },
)

t.test(
  'a worker that dies is not the range’s fault, until it dies with that range alone',
  async (t) => {
    const running = { ...fresh, status: 'running' as const }
    const once = applyChange(running, change.crash)
    t.match(once, { status: 'pending', crashes: 1, failures: 0 })
    const twice = applyChange({ ...once, status: 'running' }, change.crash)
    t.match(twice, { status: 'failed', dueAt: never })
  },
)

t.test('letters and statuses show committed data before what is being done about it', async (t) => {
  const committed = { ...fresh, committedAt: now, sealed: true }
  t.equal(calendarLetter(fresh), 'p')
  t.equal(calendarLetter({ ...fresh, status: 'failed', dueAt: never }), 'f')
  t.equal(calendarLetter({ ...fresh, status: 'failed', dueAt: now }), 'w')
  t.equal(calendarLetter({ ...committed, status: 'complete' }), 'c')
  t.equal(calendarLetter({ ...committed, status: 'complete', sealed: false }), 'o')
  t.equal(calendarLetter({ ...committed, status: 'failed' }), 'x')
  t.equal(calendarLetter({ ...committed, status: 'pending' }), 'c')
  t.equal(shownStatus({ ...committed, status: 'failed' }), 'complete')
})
