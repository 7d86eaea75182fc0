import t from 'tap'
import { expectedRecords } from '../../actors/simulator/oracle.ts'
import { canonicalRecord, digestOf } from './canonical.ts'
import { ClockLog } from './clock-log.ts'
import { Judge } from './judge.ts'
import type { LedgerRange } from './ledger.ts'
import { parseKillOptions } from './options.ts'
import { makeRandom } from './random.ts'
import type { VisibleRow, VisibleStream } from './visible.ts'

const dayMs = 86_400_000
const startMs = Date.UTC(2025, 0, 1)
const shop = { seed: 3, startMs, streams: { orders: { perDay: 200 } } }
const [start, end] = [startMs + dayMs, startMs + 2 * dayMs]
/** The shop stood in the middle of that day, then a week later, when many orders had moved on. */
const [early, late] = [startMs + 1.5 * dayMs, startMs + 10 * dayMs]

function makeScene(ownership: 'range' | 'key' = 'range') {
  const clock = new ClockLog()
  clock.moved(1_000, early)
  clock.moved(2_000, late)
  return new Judge(shop, clock, { ownership, canonical: canonicalRecord })
}

const keyOf = (record: string): string =>
  (JSON.parse(record) as { id: { number: string } }).id.number

const rowsAsOf = (asOfMs: number) =>
  expectedRecords(shop, 'orders', { start, end }, asOfMs).map(({ json }) => canonicalRecord(json))

/** The rows as one attempt wrote them; what did not change since keeps the time of before. */
function visible(records: string[], syncedAt: number, unchanged: string[] = []): VisibleStream {
  const rows: VisibleRow[] = records.map((record) => ({
    key: keyOf(record),
    record,
    digest: digestOf(record),
    syncedAt: unchanged.includes(record) ? 1_500 : syncedAt,
  }))
  const range = { start, rows, places: ['a.jsonl'] }
  return { ranges: rows.length > 0 ? new Map([[start, range]]) : new Map(), oddities: [] }
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
  const [before, now] = [rowsAsOf(early), rowsAsOf(late)]
  const look = (range: LedgerRange, seen: VisibleStream) => judge.stream('orders', [range], seen)
  t.notSame(before, now, 'the source changed in between')
  t.ok(
    before.some((record) => now.includes(record)),
    'and kept some',
  )
  t.same(look(committed(1_500), visible(before, 1_500)), [])
  t.same(look(committed(2_500), visible(now, 2_500)), [])
  t.same(look(committed(2_500), visible(now, 2_500, before)), [], 'unchanged rows keep their time')
  t.same(look(committed(1_500), visible(now, 2_500)), [], 'committed, and the ledger does not know')
  t.same(look(committed(null), visible([], 0)), [], 'nothing yet')
  t.equal(judge.compared, 4)
})

t.test('each kind of damage is seen', async (t) => {
  const judge = makeScene()
  const [before, now] = [rowsAsOf(early), rowsAsOf(late)]
  const look = (range: LedgerRange, seen: VisibleStream) =>
    rulesOf(judge.stream('orders', [range], seen))
  t.same(look(committed(2_500), visible(now.slice(1), 2_500)), ['wrong-content'], 'a row is lost')
  t.same(look(committed(2_500), visible([...now, now[0] ?? ''], 2_500)), ['wrong-content'], 'twice')
  t.same(look(committed(2_500), visible(before, 2_500)), ['committed-but-absent'], 'old rows')
  t.same(look(committed(2_500), visible([], 0)), ['committed-but-absent'], 'nothing')
  t.same(look(committed(2_500), visible(before, 1_500)), ['committed-but-absent'], 'older')
  const half = Math.floor(now.length / 2)
  const mixed = [...before.slice(0, half), ...now.slice(half)]
  t.same(look(committed(2_500), visible(mixed, 2_500, before)), ['wrong-content'], 'old and new')
  t.same(look(committed(2_500), visible(now, 1_500)), ['wrong-time'], 'not so at that time')
  t.same(look(committed(null), visible(now.slice(1), 2_500)), ['wrong-content'], 'partly visible')
  t.same(rulesOf(judge.stream('orders', [], visible(now, 2_500))), ['strange'], 'unknown range')
  const failed = { ...committed(2_500), status: 'failed' as const }
  t.same(rulesOf(judge.atRest('orders', [failed], visible(now, 2_500))), ['incomplete'])
  t.same(
    rulesOf(judge.upToDate('orders', [committed(1_500)], visible(before, 1_500))),
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
