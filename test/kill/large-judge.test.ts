import t from 'tap'
import { expectedRecords } from '../../actors/simulator/oracle.ts'
import { dayMs } from '../../actors/simulator/shop.ts'
import { canonicalRecord, ours } from './canonical.ts'
import { LargeJudge } from './large-judge.ts'
import type { LargePlace } from './large-place.ts'
import { largeShop } from './large-shop.ts'
import type { LedgerRange } from './ledger.ts'

const days = 4
const shop = largeShop(3, 2_000, days)
const range = (n: number): LedgerRange => ({
  stream: 'events',
  kind: 'window',
  start: shop.options.startMs + n * dayMs,
  end: shop.options.startMs + (n + 1) * dayMs,
  status: 'complete',
  committedAt: shop.nowMs,
  fetchedFrom: shop.nowMs,
  records: 1,
  error: null,
})
const ranges = Array.from({ length: days }, (_, n) => range(n))

/** As the program writes them. */
function rowsOf({ start, end }: LedgerRange): string[] {
  const at = new Date(start).toISOString()
  return expectedRecords(shop.options, 'events', { start, end }, shop.nowMs).map(
    ({ json }) => `${json.slice(0, -1)},"_derrick_range":"${at}","_derrick_synced_at":"${at}"}`,
  )
}

/** What is found wrong with a place that is right but for what is done to the rows of its second day. */
async function judged(change: (rows: string[]) => string[], of = ranges, more: number[] = []) {
  const content = new Map(
    ranges.map((one, n) => [one.start, n === 1 ? change(rowsOf(one)) : rowsOf(one)]),
  )
  const place: LargePlace = {
    type: 'local_file',
    config: {},
    prepare: async () => {},
    async *rows(start) {
      yield* content.get(start) ?? []
    },
    canonical: (json) => canonicalRecord(json, ours),
    starts: async () => [...content.keys(), ...more],
    leftovers: async () => [],
    close: async () => {},
  }
  const judge = new LargeJudge(shop, place)
  const found = await judge.all(of)
  return { found: found.map(({ rule }) => rule), judge }
}

t.test('what is right is found right, and counted', async (t) => {
  const { found, judge } = await judged((rows) => rows)
  t.same(found, [])
  t.equal(judge.compared, days)
  t.ok(judge.records >= 2_000, `${judge.records} records`)
  const spaced = await judged((rows) =>
    rows.map((row) => JSON.stringify(JSON.parse(row), null, 1).replaceAll('\n', '')),
  )
  t.same(spaced.found, [], 'another spelling is the same record')
})

t.test('what is wrong is found', async (t) => {
  const cases: [what: string, change: (rows: string[]) => string[], rule: string][] = [
    ['a row is missing', (rows) => rows.slice(1), 'committed-but-absent'],
    ['all are', () => [], 'committed-but-absent'],
    ['a row is there twice', (rows) => [...rows, rows[0] ?? ''], 'wrong-content'],
    [
      'a row says another thing',
      ([row = '', ...rows]) => [row.replace('{', '{"more":1,'), ...rows],
      'wrong-content',
    ],
    [
      'a row of another range',
      (rows) => [...rows, ...rowsOf(range(2)).slice(0, 1)],
      'wrong-content',
    ],
  ]
  for (const [what, change, rule] of cases) t.same((await judged(change)).found, [rule], what)
})

t.test('time that nobody read, and what belongs to nothing, is found', async (t) => {
  const same = (rows: string[]) => rows
  t.ok((await judged(same, ranges.slice(1))).found.includes('incomplete'), 'the first day')
  t.ok((await judged(same, ranges.toSpliced(1, 1))).found.includes('incomplete'), 'a day between')
  const open = ranges.with(2, { ...range(2), status: 'pending' })
  t.ok((await judged(same, open)).found.includes('incomplete'), 'a range that is not complete')
  t.same((await judged(same, ranges, [5])).found, ['strange'])
})
