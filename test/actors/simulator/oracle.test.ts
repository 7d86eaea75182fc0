import fc from 'fast-check'
import t from 'tap'
import { expectedAll, expectedRecords } from '../../../actors/simulator/oracle.ts'
import { fields } from '../../../actors/simulator/record.ts'
import { dayMs, hourMs, type StreamName, streamNames } from '../../../actors/simulator/shop.ts'

const startMs = Date.UTC(2026, 1, 27)
const shopOf = (seed: number) => ({
  seed,
  startMs,
  streams: {
    orders: { perDay: 30 },
    events: { perDay: 60, lagMs: 90_000 },
    customers: { perDay: 15 },
  },
})
const windowed: StreamName[] = ['orders', 'events', 'customers', 'refunds']
const cases = { numRuns: 200 }

const aShop = fc.integer({ min: -1e9, max: 1e9 }).map(shopOf)
const aStream = fc.constantFrom(...windowed)
/** Whole seconds, many of them at the edges of hours and days. */
const anInstant = fc.oneof(
  fc.integer({ min: -1, max: 15 }).map((n) => startMs + n * dayMs),
  fc.integer({ min: -24, max: 360 }).map((n) => startMs + n * hourMs),
  fc.integer({ min: -86_400, max: 15 * 86_400 }).map((n) => startMs + n * 1000),
)

t.test('windows tile: whatever the cuts, every record is in exactly one', async () => {
  fc.assert(
    fc.property(
      aShop,
      aStream,
      fc.array(anInstant, { maxLength: 12 }),
      anInstant,
      (shop, stream, cuts, asOf) => {
        const edges = [...new Set([...cuts, startMs - 30 * dayMs, startMs + 400 * dayMs])].sort(
          (a, b) => a - b,
        )
        const tiled = edges
          .slice(1)
          .flatMap((end, n) =>
            expectedRecords(shop, stream, { start: edges[n] as number, end }, asOf),
          )
        const whole = expectedAll(shop, stream, asOf)
        const json = (records: typeof whole) => records.map((record) => record.json)
        return (
          JSON.stringify(json(tiled)) === JSON.stringify(json(whole)) &&
          new Set(whole.map(({ key }) => key)).size === whole.length
        )
      },
    ),
    cases,
  )
})

t.test(
  "a record's own time is in the window that holds it, and is what its field says",
  async () => {
    fc.assert(
      fc.property(aShop, aStream, anInstant, anInstant, anInstant, (shop, stream, a, b, asOf) => {
        const range = { start: Math.min(a, b), end: Math.max(a, b) }
        return expectedRecords(shop, stream, range, asOf).every(({ atMs, json, key }) => {
          const record = JSON.parse(json)
          const { cursor, key: keyField } = fields[stream]
          return (
            atMs >= range.start &&
            atMs < range.end &&
            atMs <= asOf &&
            Date.parse(record[String(cursor)]) === atMs &&
            String(record[keyField]) === key
          )
        })
      }),
      cases,
    )
  },
)

t.test('time only adds and moves forward: a change takes a record to a later window', async () => {
  fc.assert(
    fc.property(
      aShop,
      fc.constantFrom<StreamName>('orders', 'customers'),
      anInstant,
      fc.integer({ min: 0, max: 10 * dayMs }),
      (shop, stream, asOf, step) => {
        const later = new Map(expectedAll(shop, stream, asOf + step).map((r) => [r.key, r]))
        return expectedAll(shop, stream, asOf).every((before) => {
          const after = later.get(before.key)
          if (after === undefined) return false
          return after.json === before.json || after.atMs > before.atMs
        })
      },
    ),
    cases,
  )
})

t.test('late events show up behind a reader that came too early, and refunds vanish', async (t) => {
  const shop = { startMs }
  const day = { start: startMs + 3 * dayMs, end: startMs + 4 * dayMs }
  const early = expectedRecords(shop, 'events', day, day.end)
  const late = expectedRecords(shop, 'events', day, day.end + 2 * dayMs)
  t.ok(late.length > early.length, `${late.length - early.length} came late`)
  t.same(
    expectedRecords(shop, 'events', day, day.end + 36 * hourMs),
    late,
    'after 36 hours none is missing',
  )
  const month = { start: startMs, end: startMs + 30 * dayMs }
  const atEnd = expectedRecords(shop, 'refunds', month, month.end)
  const after = expectedRecords(shop, 'refunds', month, month.end + 30 * dayMs)
  t.ok(after.length < atEnd.length && after.length > 0)
})

t.test('the shop is untidy where readers err', async (t) => {
  const shop = { startMs }
  const asOf = startMs + 30 * dayMs
  const orders = expectedAll(shop, 'orders', asOf)
  const texts = orders.map(({ json }) => json).join('\n')
  t.match(texts, /"ledger_id":9\d{15,}/, 'integers beyond 2^53')
  t.match(texts, /\p{Script=Han}/u, 'more than Latin letters')
  t.ok(
    orders.some(({ atMs }) => atMs % dayMs === 0),
    'first instant of a day',
  )
  t.ok(
    orders.some(({ atMs }) => atMs % dayMs === dayMs - 1),
    'last instant of a day',
  )
  const times = orders.map(({ atMs }) => atMs)
  t.ok(
    times.some((atMs, n) => atMs === times[n - 1]),
    'ties',
  )
  const customers = expectedAll(shop, 'customers', startMs + 90 * dayMs)
  t.ok(
    customers.some(({ json }) => JSON.parse(json).deleted === true),
    'flagged deletions',
  )
  t.ok(
    customers.every(({ atMs }) => atMs % 1000 === 0),
    'whole seconds',
  )
})

t.test('where history starts does not change what is in it, and seeds differ', async (t) => {
  const asOf = startMs + 20 * dayMs
  const window = { start: startMs + 10 * dayMs, end: startMs + 11 * dayMs }
  for (const stream of ['events', 'refunds'] as StreamName[]) {
    const whole = expectedRecords({ startMs }, stream, window, asOf)
    const shifted = expectedRecords({ startMs: window.start }, stream, window, asOf)
    t.same(shifted, whole, stream)
    const other = expectedRecords({ startMs, seed: 2 }, stream, window, asOf)
    t.not(JSON.stringify(other), JSON.stringify(whole))
  }
})

t.test('live records are added from their instant on and nowhere else', async (t) => {
  const fromMs = startMs + 5 * dayMs + 1234
  const quiet = { startMs }
  const live = { startMs, streams: { events: { live: { fromMs, perSecond: 2 } } } }
  const asOf = fromMs + 60_000
  const before = { start: startMs, end: startMs + 5 * dayMs }
  t.same(
    expectedRecords(live, 'events', before, asOf),
    expectedRecords(quiet, 'events', before, asOf),
  )
  const minute = { start: startMs + 5 * dayMs, end: startMs + 6 * dayMs }
  const more =
    expectedRecords(live, 'events', minute, asOf).length -
    expectedRecords(quiet, 'events', minute, asOf).length
  t.ok(more > 100 && more <= 121, `${more} in a minute, the late ones not yet`)
})

t.test('impossible shops are refused by name', async (t) => {
  const refuses = (options: object, field: RegExp) =>
    t.throws(() => expectedAll(options as { startMs: number }, 'orders', startMs), field)
  refuses({ startMs: 0 }, /startMs/)
  refuses({ startMs, seed: 1.5 }, /seed/)
  refuses({ startMs, streams: { orders: { perDay: -1 } } }, /streams\.orders\.perDay/)
  refuses(
    { startMs, streams: { events: { live: { fromMs: 0, perSecond: 1e6 } } } },
    /live\.perSecond/,
  )
  for (const stream of streamNames)
    t.ok(expectedAll({ startMs }, stream, startMs + dayMs).length > 0)
})
