import t from 'tap'
import { expectedRecords } from '../../actors/simulator/oracle.ts'
import { canonicalRecord, setHash } from './canonical.ts'
import { ClockLog } from './clock-log.ts'
import type { VisibleRange, VisibleStream } from './file-records.ts'
import { Judge } from './judge.ts'
import type { LedgerRange } from './ledger.ts'
import { parseKillOptions } from './options.ts'
import { makeRandom } from './random.ts'

const dayMs = 86_400_000
const startMs = Date.UTC(2025, 0, 1)
const shop = { seed: 3, startMs, streams: { orders: { perDay: 200 } } }
const [start, end] = [startMs + dayMs, startMs + 2 * dayMs]
/** The shop stood at its third day, then a week later, when many orders had moved on. */
const [early, late] = [startMs + 3 * dayMs, startMs + 10 * dayMs]

function makeScene() {
  const clock = new ClockLog()
  clock.moved(1_000, early)
  clock.moved(2_000, late)
  return new Judge(shop, clock)
}

const rowsAsOf = (asOfMs: number) =>
  expectedRecords(shop, 'orders', { start, end }, asOfMs).map(({ json }) => canonicalRecord(json))

function visible(records: string[], ...syncedAt: number[]): VisibleStream {
  const range: VisibleRange = { start, syncedAt, records, files: ['a.jsonl'] }
  return { ranges: records.length > 0 ? new Map([[start, range]]) : new Map(), oddities: [] }
}

const committed = (fetchedFrom: number | null): LedgerRange => ({
  stream: 'orders',
  kind: 'window',
  start,
  end,
  status: 'complete',
  committedAt: fetchedFrom,
  fetchedFrom,
  records: 0,
  error: null,
})

const rulesOf = (found: { rule: string }[]) => found.map(({ rule }) => rule)

t.test('the truth is accepted, as of the read that made it', async (t) => {
  const judge = makeScene()
  t.not(setHash(rowsAsOf(early)), setHash(rowsAsOf(late)), 'the source changed in between')
  t.same(judge.stream('orders', [committed(1_500)], visible(rowsAsOf(early), 1_500)), [])
  t.same(judge.stream('orders', [committed(2_500)], visible(rowsAsOf(late), 2_500)), [])
  t.same(
    judge.stream('orders', [committed(1_500)], visible(rowsAsOf(late), 2_500)),
    [],
    'committed, the ledger does not know yet',
  )
  t.same(judge.stream('orders', [committed(null)], visible([])), [], 'nothing yet')
  t.equal(judge.compared, 3)
})

t.test('each kind of damage is seen', async (t) => {
  const judge = makeScene()
  const now = rowsAsOf(late)
  const look = (range: LedgerRange, seen: VisibleStream) =>
    rulesOf(judge.stream('orders', [range], seen))
  t.same(look(committed(2_500), visible(now.slice(1), 2_500)), ['wrong-content'], 'a row is lost')
  t.same(look(committed(2_500), visible([...now, now[0] ?? ''], 2_500)), ['wrong-content'], 'twice')
  t.same(look(committed(2_500), visible(rowsAsOf(early), 2_500)), ['wrong-content'], 'old rows')
  t.same(look(committed(2_500), visible([])), ['committed-but-absent'])
  t.same(look(committed(2_500), visible(rowsAsOf(early), 1_500)), ['committed-but-absent'], 'older')
  t.same(look(committed(2_500), visible(now, 1_500, 2_500)), ['mixed-attempts'])
  t.same(look(committed(null), visible(now.slice(1), 2_500)), ['wrong-content'], 'partly visible')
  t.same(rulesOf(judge.stream('orders', [], visible(now, 2_500))), ['strange'], 'unknown range')
  const failed = { ...committed(2_500), status: 'failed' as const }
  t.same(rulesOf(judge.atRest('orders', [failed], visible(now, 2_500))), ['incomplete'])
  t.same(
    rulesOf(judge.upToDate('orders', [committed(1_500)], visible(rowsAsOf(early), 1_500))),
    ['wrong-content'],
    'not what the source shows now',
  )
})

t.test('records are compared by meaning, to the last digit', async (t) => {
  const same = (a: string, b: string) => canonicalRecord(a) === canonicalRecord(b)
  t.ok(same('{"a":1,"b":[1.50,{"x":"\\u0000"}]}', '{ "b": [1.5, {"x":"\\ufffd"}], "a": 1 }'))
  t.notOk(same('{"a":9007199254740993}', '{"a":9007199254740992}'))
  t.notOk(same('{"a":"1"}', '{"a":1}'))
  t.notOk(same('{"a":null}', '{}'))
  t.ok(same('{"__proto__":{"x":1}}', '{"__proto__":{"x":1}}'))
  t.notOk(same('{"__proto__":{"x":1}}', '{}'))
})

t.test('a seed gives the same moments again', async (t) => {
  const draw = (seed: number) => {
    const random = makeRandom(seed)
    return Array.from({ length: 5 }, () => random.between(1, 6))
  }
  t.same(draw(1), draw(1))
  t.notSame(draw(1), draw(2))
  t.ok(Array.from({ length: 99 }, () => makeRandom(4).unit()).every((unit) => unit < 1))
})

t.test('wrong options are named', async (t) => {
  t.match(parseKillOptions(['--kills', '9', '--seed', '2']), { kills: 9, seed: 2, mode: 'random' })
  t.match(parseKillOptions(['--sabotage', 'no_fence']), { mode: 'zombie' })
  t.match(parseKillOptions(['--kills', 'x']), { problem: /--kills/ })
  t.match(parseKillOptions(['--sabotage', 'x']), { problem: /--sabotage/ })
  t.match(parseKillOptions(['--what']), { problem: /--what/ })
})
