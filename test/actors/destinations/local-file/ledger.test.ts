import fc from 'fast-check'
import t from 'tap'
import { type Bounds, Ledger } from '../../../../actors/destinations/local-file/ledger.ts'
import {
  type LedgerLine,
  parseLine,
} from '../../../../actors/destinations/local-file/ledger-line.ts'
import { localFileSuite } from './place.ts'

const hour = 3_600_000
const day = 24 * hour
const target = localFileSuite.target({ path: '/out' })
const full: Bounds = { start: -Infinity, end: Infinity }
const dayOf = (n: number): Bounds => ({ start: n * day, end: (n + 1) * day })
const hourOf = (n: number): Bounds => ({ start: n * hour, end: (n + 1) * hour })

const text = ({ start, end }: Bounds): { start: string | null; end: string | null } =>
  Number.isFinite(start)
    ? { start: new Date(start).toISOString(), end: new Date(end).toISOString() }
    : { start: null, end: null }
const tokenOf = (fence: number): string => fence.toString(16).padStart(12, '0')

function claim(bounds: Bounds, fence: number): LedgerLine {
  return {
    kind: 'claim',
    ...text(bounds),
    fence,
    token: tokenOf(fence),
    folder: 'shop/events',
    name: 'x',
  }
}
function commit(bounds: Bounds, fence: number, ...paths: string[]): LedgerLine {
  const files = paths.map((path) => ({ temp: `${path}.${fence}.tmp`, path, bytes: 1, records: 1 }))
  const at = '2026-01-01T00:00:00.000Z'
  return {
    kind: 'commit',
    ...text(bounds),
    fence,
    token: tokenOf(fence),
    files,
    records: 1,
    bytes: 1,
    rows_changed: null,
    checksum: '0',
    fetched_from: at,
    committed_at: at,
  }
}
const done = (bounds: Bounds, fence: number): LedgerLine => ({
  kind: 'done',
  ...text(bounds),
  fence,
  token: tokenOf(fence),
})

function ledgerOf(...lines: LedgerLine[]): Ledger {
  const ledger = new Ledger()
  for (const line of lines) ledger.apply(line)
  return ledger
}
const live = (ledger: Ledger): string[] => [...ledger.livePaths()].sort()

t.test('the order of lines decides: a claim between claim and commit fences it off', async (t) => {
  const today = dayOf(0)
  const fenced = ledgerOf(claim(today, 5), claim(today, 6), commit(today, 5, 'a'))
  t.strictSame(live(fenced), [])
  const late = ledgerOf(claim(today, 5), commit(today, 5, 'a'), claim(today, 6))
  t.strictSame(live(late), ['a'])
  t.equal(late.entry(today)?.done, false)
  t.equal(late.nextFence(today, 0), 7)
  t.equal(late.nextFence(today, 90), 91)
  t.strictSame(live(ledgerOf(commit(today, 5, 'a'))), [], 'no claim, no commit')
  const low = ledgerOf(
    claim(today, 9),
    claim(today, 4),
    commit(today, 4, 'a'),
    commit(today, 9, 'b'),
  )
  t.strictSame(live(low), ['b'], 'a lower claim is none')
  const twin = ledgerOf(claim(today, 5), {
    ...claim(today, 5),
    token: 'ffffffffffff',
  } as LedgerLine)
  t.equal(twin.entry(today)?.claim, tokenOf(5), 'of equal claims the first')
})

t.test('a commit lists what it replaces, until it is done', async (t) => {
  const today = dayOf(0)
  const first = [claim(today, 1), commit(today, 1, 'a', 'a-2'), done(today, 1)]
  const second = ledgerOf(...first, claim(today, 2), commit(today, 2, 'a'))
  t.strictSame(second.entry(today)?.removals, ['a-2'])
  second.apply(claim(today, 3))
  second.apply(commit(today, 3, 'b'))
  t.strictSame(second.entry(today)?.removals.sort(), ['a', 'a-2', 'a.2.tmp'])
  second.apply(done(today, 3))
  t.strictSame(second.entry(today)?.removals, [])
  t.strictSame(live(second), ['b'])
})

t.test('temp files of an attempt are looked for until it ended', async (t) => {
  const today = dayOf(0)
  const ledger = ledgerOf(claim(today, 1), claim(today, 2), claim(today, 3))
  const open = (): number[] => ledger.entry(today)?.unsettled.map(({ fence }) => fence) ?? []
  ledger.apply({ kind: 'abort', ...text(today), fence: 2, token: tokenOf(2) })
  t.strictSame(open(), [1, 3])
  ledger.apply(commit(today, 3, 'a'))
  t.strictSame(open(), [1, 3])
  ledger.apply(done(today, 3))
  t.strictSame(open(), [])
})

t.test('ranges cut anew replace old ones when their time is covered, not before', async (t) => {
  const lines = [claim(dayOf(0), 1), commit(dayOf(0), 1, 'day'), done(dayOf(0), 1)]
  const ledger = ledgerOf(...lines)
  for (let n = 0; n < 24; n += 1) {
    t.ok(ledger.isLive('day', hourOf(n)), `still there before hour ${n}`)
    ledger.apply(claim(hourOf(n), 10 + n))
    ledger.apply(commit(hourOf(n), 10 + n, `hour${n}`))
  }
  t.notOk(ledger.isLive('day', dayOf(0)))
  t.strictSame(ledger.entry(hourOf(23))?.removals, ['day'])
  ledger.apply(claim(dayOf(0), 50))
  ledger.apply(commit(dayOf(0), 50, 'day'))
  t.strictSame(live(ledger), ['day'])
  t.equal(ledger.entry(dayOf(0))?.removals.filter((path) => !path.endsWith('.tmp')).length, 24)
  ledger.apply(claim(full, 60))
  ledger.apply(commit(full, 60, 'full'))
  t.strictSame(live(ledger), ['full'])
})

t.test('a claim over the same time fences ranges of another cut', async (t) => {
  const ledger = ledgerOf(claim(dayOf(0), 5), claim(hourOf(3), 6), commit(dayOf(0), 5, 'day'))
  t.strictSame(live(ledger), [])
  t.equal(ledger.nextFence(dayOf(0), 0), 7)
  t.equal(ledger.nextFence(dayOf(1), 0), 1)
  t.equal(ledger.nextFence(full, 0), 7)
})

t.test('clear voids claims and commits, keeps fences, and says what is to go', async (t) => {
  const ledger = ledgerOf(
    claim(dayOf(0), 1),
    commit(dayOf(0), 1, 'a'),
    done(dayOf(0), 1),
    claim(dayOf(1), 2),
    { kind: 'clear', token: tokenOf(1) },
    commit(dayOf(1), 2, 'b'),
  )
  t.strictSame(live(ledger), [])
  t.strictSame(ledger.clearing?.paths, ['a'])
  t.equal(ledger.nextFence(dayOf(1), 0), 3)
  ledger.apply({ kind: 'clear', token: tokenOf(2) })
  ledger.apply({ kind: 'cleared', token: tokenOf(1) })
  t.strictSame(ledger.clearing?.paths, ['a'], 'the second clear took the first one over')
  ledger.apply({ kind: 'cleared', token: tokenOf(2) })
  t.equal(ledger.clearing, null)
})

t.test(
  'however attempts mix, one commit a range is live and it held the last claim before it',
  async (t) => {
    const step = fc.record({ attempt: fc.nat(5), act: fc.constantFrom('claim', 'commit', 'done') })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new Ledger()
        const today = dayOf(0)
        const fences = new Map<number, number>()
        let holder = -1
        let committed: number | null = null
        for (const { attempt, act } of steps) {
          const fence = fences.get(attempt) ?? 0
          if (act === 'claim') {
            fences.set(attempt, ledger.nextFence(today, 0))
            ledger.apply(claim(today, fences.get(attempt) ?? 0))
            holder = attempt
          } else if (act === 'commit') {
            ledger.apply(commit(today, fence, 'a'))
            if (holder === attempt) committed = fence
          } else ledger.apply(done(today, fence))
          if ((ledger.entry(today)?.commit?.fence ?? null) !== committed) return false
        }
        return true
      }),
    )
    t.pass('for 100 logs')
  },
)

t.test('torn, foreign and forged lines are none', async (t) => {
  const whole = commit(dayOf(0), 1, 'shop/events/a.jsonl') as Extract<
    LedgerLine,
    { kind: 'commit' }
  >
  whole.files[0] = { temp: 'shop/events/.a.tmp', path: 'shop/events/a.jsonl', bytes: 1, records: 1 }
  const line = JSON.stringify(whole)
  t.strictSame(parseLine(line, target), whole)
  for (let cut = 0; cut < line.length; cut += 7)
    t.equal(parseLine(line.slice(0, cut), target), null)
  const forged: object[] = [
    { files: [{ temp: 'shop/events/t', path: '../../etc/passwd', bytes: 1, records: 1 }] },
    { files: [{ temp: '/tmp/x', path: 'shop/events/a', bytes: 1, records: 1 }] },
    { files: [null] },
    { files: {} },
    { fence: 1.5 },
    { fence: '1' },
    { token: '../x' },
    { start: 'yesterday' },
    { start: null },
    { kind: 'constructor' },
  ]
  for (const change of forged) {
    t.equal(
      parseLine(JSON.stringify({ ...whole, ...change }), target),
      null,
      JSON.stringify(change),
    )
  }
  for (const other of ['null', '[]', '1', '"x"', '{}']) t.equal(parseLine(other, target), null)
})
