import fc from 'fast-check'
import t from 'tap'
import { backoffCeilingMs, backoffMs } from '../../schema/retry.ts'

t.test(
  'back-off never exceeds the ceiling, never falls under half of its step, and grows',
  async () => {
    const failures = fc.integer({ min: 1, max: 200 })
    const base = fc.double({ min: 0.1, max: 300, noNaN: true })
    const random = fc.double({ min: 0, max: 0.999999, noNaN: true })
    fc.assert(
      fc.property(failures, base, random, (count, backoff_seconds, chance) => {
        const retry = { max_attempts: 5, backoff_seconds }
        const wait = backoffMs(retry, count, chance)
        const step = Math.min(
          backoff_seconds * 1000 * 2 ** Math.min(count - 1, 30),
          backoffCeilingMs,
        )
        return wait <= backoffCeilingMs && wait >= Math.floor(step / 2) && wait <= Math.ceil(step)
      }),
    )
  },
)

t.test('the documented defaults', async (t) => {
  const retry = { max_attempts: 5, backoff_seconds: 2 }
  t.same(
    [1, 2, 3, 4].map((count) => backoffMs(retry, count, 0.999_999)),
    [2_000, 4_000, 8_000, 16_000],
  )
})
