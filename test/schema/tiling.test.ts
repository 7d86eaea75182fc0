import fc from 'fast-check'
import t from 'tap'
import {
  boundaryAt,
  localDateHour,
  nextBoundary,
  startDateMs,
  tilesBackward,
  tilesForward,
} from '../../schema/tiling.ts'

const zones = [
  'UTC',
  'Europe/Vienna',
  'America/New_York',
  'Pacific/Apia',
  'Africa/Cairo',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'America/St_Johns',
  'Asia/Kathmandu',
]
const zone = fc.constantFrom(...zones)
const granularity = fc.constantFrom('day' as const, 'hour' as const)
const instant = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2035, 0, 1) })

t.test('forward tiles follow each other without gap and cover the asked time', async () => {
  fc.assert(
    fc.property(
      instant,
      fc.integer({ min: 1, max: 40 * 86_400_000 }),
      granularity,
      zone,
      (from, length, g, z) => {
        const start = boundaryAt(from, g, z)
        const tiles = tilesForward(start, from + length, g, z, 2_000)
        let at = start
        for (const tile of tiles) {
          if (tile.start !== at || tile.end <= tile.start) return false
          at = tile.end
        }
        return at >= from + length
      },
    ),
    { numRuns: 300 },
  )
})

t.test('backward tiles are the forward tiles, latest first', async (t) => {
  fc.assert(
    fc.property(
      instant,
      fc.integer({ min: 1, max: 30 * 86_400_000 }),
      granularity,
      zone,
      (from, length, g, z) => {
        const start = boundaryAt(from, g, z)
        const forward = tilesForward(start, from + length, g, z, 2_000)
        const end = forward.at(-1)?.end ?? start
        const backward = tilesBackward(end, start, g, z, 2_000).reverse()
        return JSON.stringify(forward) === JSON.stringify(backward)
      },
    ),
    { numRuns: 300 },
  )
  t.pass()
})

t.test('every instant lies in exactly the tile that its boundaries say', async () => {
  fc.assert(
    fc.property(instant, granularity, zone, (at, g, z) => {
      const start = boundaryAt(at, g, z)
      const end = nextBoundary(at, g, z)
      return (
        start <= at &&
        at < end &&
        boundaryAt(end, g, z) === end &&
        nextBoundary(start, g, z) === end
      )
    }),
    { numRuns: 2_000 },
  )
})

t.test(
  'days of daylight saving have 23, 24.5 or 25 hours, and a skipped date has none',
  async (t) => {
    const length = (date: string, z: string): number => {
      const start = startDateMs(date, z) as number
      return (nextBoundary(start, 'day', z) - start) / 3_600_000
    }
    t.equal(length('2026-03-29', 'Europe/Vienna'), 23)
    t.equal(length('2026-10-25', 'Europe/Vienna'), 25)
    t.equal(length('2026-04-05', 'Australia/Lord_Howe'), 24.5)
    t.equal(length('2024-04-26', 'Africa/Cairo'), 23)
    const before = startDateMs('2011-12-29', 'Pacific/Apia') as number
    const next = nextBoundary(before, 'day', 'Pacific/Apia')
    t.equal(localDateHour(next, 'Pacific/Apia').date, '2011-12-31', 'Apia had no 30 December 2011')
    t.equal((next - before) / 3_600_000, 24)
  },
)

t.test(
  'hours start with the local day, also in zones off the hour, and the last is cut at its end',
  async (t) => {
    const start = startDateMs('2026-05-05', 'Asia/Kolkata') as number
    t.equal(new Date(start).toISOString(), '2026-05-04T18:30:00.000Z')
    t.equal(nextBoundary(start, 'hour', 'Asia/Kolkata') - start, 3_600_000)
    const howe = startDateMs('2026-04-05', 'Australia/Lord_Howe') as number
    const hours = tilesForward(
      howe,
      nextBoundary(howe, 'day', 'Australia/Lord_Howe'),
      'hour',
      'Australia/Lord_Howe',
      100,
    )
    t.equal(hours.length, 25)
    t.equal((hours.at(-1)?.end ?? 0) - (hours.at(-1)?.start ?? 0), 1_800_000)
  },
)

t.test('a frontier that is no boundary of a new zone is bridged by one short range', async (t) => {
  const from = startDateMs('2026-05-05', 'UTC') as number
  const [bridge, next] = tilesForward(from, from + 2 * 86_400_000, 'day', 'America/New_York', 10)
  t.equal(bridge?.start, from)
  t.equal((bridge?.end ?? 0) - from, 4 * 3_600_000)
  t.equal(localDateHour(next?.start ?? 0, 'America/New_York').hour, '00')
})

t.test(
  'start dates: plain dates belong to the zone, instants to themselves, anything else is refused',
  async (t) => {
    t.equal(startDateMs('2026-01-01', 'Europe/Vienna'), Date.UTC(2025, 11, 31, 23))
    t.equal(startDateMs('2026-01-01T00:00:00Z', 'Europe/Vienna'), Date.UTC(2026, 0, 1))
    t.equal(startDateMs('2026-02-30', 'UTC'), undefined)
    t.equal(startDateMs('yesterday', 'UTC'), undefined)
  },
)
