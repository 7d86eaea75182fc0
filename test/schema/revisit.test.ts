import fc from 'fast-check'
import t from 'tap'
import {
  deltaStart,
  type FinalityRules,
  finality,
  longestStepMs,
  lookbackRule,
  revisitDue,
  unchangedAfter,
} from '../../schema/revisit.ts'

const hour = 3_600_000
const day = 24 * hour

t.test(
  'a look-back reads a range again once a step of age, however often it is asked',
  async () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 200 }),
        (days, gaps) => {
          let fetched = 0
          let reads = 0
          let at = 0
          for (const gap of gaps) {
            at += gap * 60_000
            if (revisitDue(0, fetched, days * day, at)) {
              reads += 1
              fetched = at
            }
          }
          return reads <= 8
        },
      ),
    )
  },
)

/** Asks at each tick from before the end on, reads when it is due; `changes` tells which reads find something new. */
function live(rules: FinalityRules, ticks: number[], changes: (at: number) => boolean) {
  const end = day
  let range = { end, fetchedFrom: null as number | null, unchanged: 0 }
  const closedReads: number[] = []
  let final: number | null = null
  for (const at of ticks) {
    const { fetchedFrom, unchanged } = range
    const state = fetchedFrom === null ? 'open' : finality(end, { fetchedFrom, unchanged }, rules)
    if (state === 'final') break
    if (state === 'settling' && !revisitDue(end, fetchedFrom as number, rules.lookbackMs, at))
      continue
    if (at >= end + rules.settleMs) closedReads.push(at)
    range = { end, fetchedFrom: at, unchanged: unchangedAfter(range, at, changes(at), rules) }
    if (finality(end, { fetchedFrom: at, unchanged: range.unchanged }, rules) === 'final')
      final = at
  }
  return { closedReads, final }
}

const everyMinutes = (minutes: number, days: number): number[] =>
  Array.from({ length: (days * 1440) / minutes }, (_, i) => 1 + i * minutes * 60_000)

t.test(
  'what keeps changing for three days is read a few times, and final after it rested',
  async (t) => {
    const rules = { settleMs: 2 * hour, ...lookbackRule('until_unchanged', 0) }
    const { closedReads, final } = live(rules, everyMinutes(15, 40), (at) => at < 4 * day)
    const ages = closedReads.map((at) => Math.round((at - day) / hour))
    t.same(ages, [2, 6, 24, 72, 168], 'at its seal and at growing ages')
    t.equal(final, closedReads.at(-1))
  },
)

t.test('what never rests is final at the plan’s end', async (t) => {
  const rules = { settleMs: 0, ...lookbackRule('until_unchanged', 0) }
  const { closedReads, final } = live(rules, everyMinutes(60, 60), () => true)
  t.equal(closedReads.length, 8)
  t.ok((final ?? 0) >= day + longestStepMs)
})

t.test('reads in quick succession prove nothing', async (t) => {
  const rules = { settleMs: 0, ...lookbackRule('until_unchanged', 0) }
  let range = { end: 0, fetchedFrom: 0 as number | null, unchanged: 0 }
  for (let i = 1; i <= 20; i++) {
    const at = i * 60_000
    range = { ...range, fetchedFrom: at, unchanged: unchangedAfter(range, at, false, rules) }
  }
  t.equal(range.unchanged, 0)
})

t.test(
  'each range becomes final, was read after it had settled, and a bounded number of times',
  async () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 96 }),
        fc.constantFrom('0', '1d', '3d', '30d', 'until_unchanged'),
        fc.integer({ min: 1, max: 48 }),
        fc.integer({ min: 0, max: 40 }),
        (settleHours, lookback, tickHours, quietAfterDays) => {
          const rules = { settleMs: settleHours * hour, ...lookbackRule(lookback, 0) }
          const ticks = everyMinutes(tickHours * 60, 90)
          const { closedReads, final } = live(rules, ticks, (at) => at < day * (1 + quietAfterDays))
          if (final === null || final < day + rules.settleMs) return false
          return closedReads.length >= 1 && closedReads.length <= 9
        },
      ),
    )
  },
)

t.test('what a look-back says', async (t) => {
  t.same(lookbackRule(null, 3 * day), { lookbackMs: 3 * day, untilUnchanged: false })
  t.same(lookbackRule('0', 3 * day), { lookbackMs: 0, untilUnchanged: false })
  t.same(lookbackRule('2w', 0), { lookbackMs: 14 * day, untilUnchanged: false })
  t.same(lookbackRule('until_unchanged', 90 * day), {
    lookbackMs: 90 * day,
    untilUnchanged: true,
  })
})

t.test('a delta begins within its range, and never after the read before it began', async () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (start, later, settleMs) => {
      const from = deltaStart(start, start + later, settleMs)
      return from >= start && from <= Math.max(start, start + later - settleMs)
    }),
  )
})
