/** No limit is ever exceeded, however limits change, workers come and go, and answers overtake each other. */
import fc from 'fast-check'
import t from 'tap'
import { type Grant, SourceGovernor } from '../../../runtime/engine/source-governor.ts'
import { type Limit, limitGroup } from '../../../schema/manifest/limit.ts'
import type { Lane } from '../../../schema/range.ts'

const all = [limitGroup(null, undefined)]
const declared = (...api: Limit[]) => ({ api, streams: {}, reserve: 0 })
const start = 1_000_000

/** Workers that use what they are granted at any time within the leave, and an API that counts. */
class Workers {
  now = start
  /** starts of requests */
  readonly starts: number[] = []
  readonly leaves: { grant: Grant<string>; at: number; answerAt: number }[] = []
  governor: SourceGovernor<string>

  constructor(governor: SourceGovernor<string>) {
    this.governor = governor
  }

  /** @param late 0 … 1: when within its leave each request starts */
  decide(late: number, latencyMs = 20): Grant<string>[] {
    const { grants } = this.governor.decide(this.now)
    for (const grant of grants)
      for (let i = 0; i < grant.requests; i++) {
        const at = this.now + Math.floor((grant.untilMs - this.now) * late)
        this.leaves.push({ grant, at, answerAt: at + latencyMs })
        this.starts.push(at)
      }
    return grants
  }

  pass(ms: number, refused = false): void {
    this.now += ms
    for (const leave of [...this.leaves]) {
      if (leave.answerAt > this.now) continue
      this.leaves.splice(this.leaves.indexOf(leave), 1)
      const { groups, untilMs } = leave.grant
      const answer = { untilMs, startedMs: leave.at, refused, seen: [] }
      this.governor.answered(groups, answer, this.now)
    }
  }

  mostWithin(ms: number, since = 0): number {
    const sorted = this.starts.filter((at) => at >= since).sort((a, b) => a - b)
    let most = 0
    for (let first = 0, last = 0; last < sorted.length; last++) {
      while ((sorted[last] as number) - (sorted[first] as number) >= ms) first += 1
      most = Math.max(most, last - first + 1)
    }
    return most
  }
}

const lane = fc.constantFrom<Lane>('fresh', 'history', 'repair')
const step = fc.oneof(
  fc.record({
    do: fc.constant('want'),
    worker: fc.constantFrom('a', 'b', 'c'),
    lane,
    n: fc.nat(9),
  }),
  fc.record({ do: fc.constant('pass'), ms: fc.nat(700), refused: fc.boolean() }),
  fc.record({ do: fc.constant('limit'), requests: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ do: fc.constant('reserve'), share: fc.constantFrom(0, 0.3, 0.8) }),
  fc.record({ do: fc.constant('unused'), n: fc.nat(5) }),
  fc.record({ do: fc.constant('restart') }),
  fc.record({ do: fc.constant('forget'), worker: fc.constantFrom('a', 'b', 'c') }),
)

t.test('never above a limit while limits change live', async (t) => {
  const details = fc.check(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 80 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(500, 1_000, 60_000),
      (steps, late, perMs) => {
        let limit = 10
        let reserve = 0
        const rules = () => ({
          api: [
            { requests: limit, per_ms: perMs, concurrency: 15 },
            { requests: 30, per_ms: perMs * 5 },
          ],
          streams: {},
          reserve,
        })
        const workers = new Workers(new SourceGovernor(rules()))
        for (const one of steps as { do: string; [key: string]: unknown }[]) {
          const { governor } = workers
          if (one.do === 'want')
            governor.want(one.worker as string, all, one.lane as Lane, one.n as number)
          if (one.do === 'pass') workers.pass(one.ms as number, one.refused as boolean)
          if (one.do === 'limit') limit = one.requests as number
          if (one.do === 'reserve') reserve = one.share as number
          if (one.do === 'unused') unused(workers, one.n as number)
          if (one.do === 'restart') {
            workers.governor = new SourceGovernor(
              rules(),
              JSON.parse(JSON.stringify(governor.memory(workers.now))),
            )
            workers.leaves.length = 0
          } else if (one.do === 'forget') governor.forget(one.worker as string, [])
          workers.governor.declare(rules())
          const before = workers.starts.length
          const grants = workers.decide(late)
          const granted = grants.reduce((sum, grant) => sum + grant.requests, 0)
          if (workers.starts.length - before !== granted) throw new Error('lost a grant')
          if (granted === 0) continue
          // What was let go under a higher limit before counts as well.
          const most = Math.max(1, Math.floor(limit * (1 - reserve)))
          const since = workers.now - perMs
          const recent = workers.starts.filter((at) => at > since).length
          if (recent > most) throw new Error(`${recent} of ${most} in ${perMs} ms`)
          if (workers.leaves.length > 15) throw new Error(`${workers.leaves.length} at once`)
        }
      },
    ),
    { numRuns: 500 },
  )
  t.notOk(details.failed, fc.defaultReportMessage(details) ?? 'holds')
})

/** Some of the last leaves are given back before their requests start. */
function unused(workers: Workers, n: number): void {
  for (let i = 0; i < n; i++) {
    const at = workers.leaves.findLastIndex((leave) => leave.at > workers.now)
    const [leave] = at < 0 ? [] : workers.leaves.splice(at, 1)
    if (!leave) return
    workers.starts.splice(workers.starts.lastIndexOf(leave.at), 1)
    workers.governor.giveBack(leave.grant.groups, 1, leave.grant.untilMs)
  }
}

t.test('the pace allowed is used', async (t) => {
  for (const [requests, perMs] of [
    [10, 1_000],
    [150, 60_000],
    [2, 500],
  ] as const) {
    const workers = new Workers(new SourceGovernor(declared({ requests, per_ms: perMs })))
    workers.governor.want('a', all, 'history', 1_000_000)
    while (workers.now < start + 20 * perMs) {
      workers.decide(0.1)
      workers.pass(5)
    }
    const share = workers.starts.length / (20 * requests)
    t.ok(share > 0.9, `${Math.round(share * 100)} % of ${requests} in ${perMs} ms`)
    t.ok(workers.mostWithin(perMs) <= requests)
  }
})

t.test('fresh requests go first, and workers take turns', async (t) => {
  const governor = new SourceGovernor<string>(declared({ requests: 4, per_ms: 1_000 }))
  governor.want('a', all, 'history', 100)
  governor.want('b', all, 'history', 100)
  governor.want('b', all, 'fresh', 2)
  const grants = governor.decide(start).grants
  t.match(grants[0], { client: 'b', lane: 'fresh', requests: 2 })
  t.same(
    grants
      .slice(1)
      .map(({ client, requests }) => [client, requests])
      .sort(),
    [
      ['a', 1],
      ['b', 1],
    ],
  )
})

t.test('a pause lets nothing go, and a shorter one does not end it', async (t) => {
  const governor = new SourceGovernor<string>(declared({ requests: 4, per_ms: 1_000 }))
  governor.want('a', all, 'fresh', 1)
  t.ok(governor.pause(start + 5_000))
  t.notOk(governor.pause(start + 1_000))
  t.same(governor.decide(start + 4_999), { grants: [], againAt: start + 5_000 })
  t.equal(governor.decide(start + 5_000).grants.length, 1)
})

t.test('a restart does not spend a budget twice', async (t) => {
  const limits = declared({ requests: 100, per_ms: 3_600_000 })
  const before = new SourceGovernor<string>(limits)
  before.want('a', all, 'history', 60)
  before.decide(start)
  const memory = JSON.parse(JSON.stringify(before.memory(start)))
  const after = new SourceGovernor<string>(limits, memory)
  after.assumeUnsaved(start, 1_000, 10_000, 0.01)
  after.want('a', all, 'history', 100)
  const [grant] = after.decide(start + 60_000).grants
  t.equal(grant?.requests, 38, 'what may have been granted after the last save counts, too')
})

t.test('what the API says is left holds, and the reserve of others is left alone', async (t) => {
  const limit = { requests: 100, per_ms: 60_000, remaining_header: 'left', limit_header: 'limit' }
  const governor = new SourceGovernor<string>({ api: [limit], streams: {}, reserve: 0.1 })
  governor.want('a', all, 'history', 1_000)
  const [first] = governor.decide(start).grants
  t.equal(first?.requests, 90)
  const seen = { group: all[0] as string, nth: 0, limit: 100, resetMs: 60_000, spacingMs: 0 }
  const answer = { untilMs: first?.untilMs ?? 0, startedMs: start, refused: false }
  const at = start + 61_000
  for (let i = 0; i < 89; i++) governor.answered(all, { ...answer, seen: [] }, start + 20)
  const late = { ...answer, startedMs: at, seen: [{ ...seen, left: 15 }] }
  governor.answered(all, late, at)
  t.equal(governor.decide(at).grants[0]?.requests, 5, '15 are left, 10 of them for others')
  t.match(governor.waitingFor(at), { limit: 'limit of 100 requests a minute' })
})

t.test('a refusal halves the pace once a window, and it comes back step by step', async (t) => {
  const workers = new Workers(new SourceGovernor(declared({ requests: 100, per_ms: 1_000 })))
  const spend = (refused: boolean): number => {
    workers.governor.want('a', all, 'history', 100)
    const before = workers.starts.length
    workers.decide(0)
    workers.governor.want('a', all, 'history', -1_000)
    workers.pass(20, refused)
    workers.pass(2_000)
    return workers.starts.length - before
  }
  t.equal(spend(true), 100)
  t.equal(spend(true), 50)
  t.equal(spend(false), 25)
  t.equal(spend(false), 35)
  t.equal(spend(false), 45)
})

t.test('an answer that is costly keeps requests apart', async (t) => {
  const governor = new SourceGovernor<string>(declared({ cost_at: 'cost' }))
  governor.want('a', all, 'history', 10)
  const [first] = governor.decide(start).grants
  t.equal(first?.requests, 10)
  const seen = { group: all[0] as string, nth: 0, left: null, limit: null, resetMs: null }
  const one = { untilMs: first?.untilMs ?? 0, startedMs: start, refused: false }
  governor.answered(all, { ...one, seen: [{ ...seen, spacingMs: 500 }] }, start)
  governor.want('a', all, 'history', 10)
  t.equal(governor.decide(start + 499).grants.length, 0)
  t.equal(governor.decide(start + 500).grants[0]?.requests, 1)
  t.equal(governor.decide(start + 600).grants.length, 0)
  governor.answered(all, { ...one, seen: [{ ...seen, spacingMs: 0 }] }, start + 1_000)
  t.equal(governor.decide(start + 1_000).grants[0]?.requests, 9)
})

t.test('limits of a stream count beside those of the connector', async (t) => {
  const own = limitGroup('reports', undefined)
  const governor = new SourceGovernor<string>({
    api: [{ requests: 10, per_ms: 1_000 }],
    streams: { reports: [{ requests: 2, per_ms: 1_000 }] },
    reserve: 0,
  })
  governor.want('a', [own, ...all], 'fresh', 5)
  governor.want('a', all, 'history', 20)
  t.same(
    governor.decide(start).grants.map(({ requests }) => requests),
    [2, 8],
  )
})

t.test('history leaves a share of each window to fresh data that are due in it', (t) => {
  const limit: Limit = { requests: 20, per_ms: 60_000 }
  const within = (most: number) => (ms: number) => ms >= most
  const granted = (governor: SourceGovernor<string>, expects: (ms: number) => boolean) =>
    governor.decide(start, expects).grants.reduce((sum, { requests }) => sum + requests, 0)
  const governor = new SourceGovernor<string>(declared(limit))
  governor.want('a', all, 'history', 50)
  t.equal(granted(governor, within(30_000)), 18)
  governor.want('b', all, 'fresh', 1)
  t.equal(granted(governor, within(30_000)), 1, 'which need not wait')
  const later = new SourceGovernor<string>(declared(limit))
  later.want('a', all, 'history', 50)
  t.equal(granted(later, within(90_000)), 20, 'the window is over by then')
  const single = new SourceGovernor<string>(declared({ requests: 1, per_ms: 1_000 }))
  single.want('a', all, 'history', 5)
  t.equal(granted(single, within(0)), 1, 'where there is one, nothing can be left')
  t.end()
})
