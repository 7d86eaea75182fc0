import fc from 'fast-check'
import t from 'tap'
import { durationMs } from '../../schema/common.ts'
import { lookbackOf, revisitKinds, revisitOf } from '../../web/stream/revisit.ts'

t.test('what is shown is what is stored', async () => {
  const stored = fc.oneof(
    fc.constantFrom(null, '0', 'until_unchanged' as const),
    fc
      .tuple(fc.integer({ min: 1, max: 999 }), fc.constantFrom('ms', 's', 'm', 'h', 'd', 'w'))
      .map(([n, unit]) => `${n}${unit}`),
  )
  fc.assert(fc.property(stored, (lookback) => lookbackOf(revisitOf(lookback)) === lookback))
})

t.test('each choice says something that the API takes', async (t) => {
  for (const { value: kind } of revisitKinds) {
    const lookback = lookbackOf({ kind, days: ' 3 ' })
    t.ok(lookback === null || lookback === 'until_unchanged' || durationMs(lookback) !== undefined)
    t.equal(revisitOf(lookback as null).kind, kind)
  }
  t.equal(lookbackOf({ kind: 'days', days: '12h' }), '12h')
})
