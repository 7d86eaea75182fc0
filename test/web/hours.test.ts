import t from 'tap'
import { barsOf } from '../../web/chart/hours.ts'

t.test(
  '24 bars to the hour that runs now; hours without runs are there, older ones not',
  async (t) => {
    const now = Date.parse('2026-03-02T10:20:00Z')
    const hour = (at: string, records: number, failed = 0) => ({
      hour: at,
      runs: 2,
      failed,
      records,
      bytes: 0,
    })
    const bars = barsOf(
      [
        hour('2026-03-01T10:00:00.000Z', 9_000),
        hour('2026-03-02T08:00:00.000Z', 1_000),
        hour('2026-03-02T09:00:00.000Z', 1, 1),
        hour('2026-03-02T10:00:00.000Z', 0),
      ],
      now,
    )
    t.equal(bars.length, 24)
    t.equal(bars[0]?.at, Date.parse('2026-03-01T11:00:00Z'))
    t.match(bars.slice(-4), [
      { runs: 0, height: 0 },
      { records: 1_000, height: 1 },
      { records: 1, failed: 1, height: 0.04 },
      { runs: 2, records: 0, height: 0 },
    ])
    t.ok(barsOf([], now).every(({ height }) => height === 0))
  },
)
