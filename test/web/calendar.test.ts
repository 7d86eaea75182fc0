import fc from 'fast-check'
import t from 'tap'
import { rangeIdText } from '../../schema/id.ts'
import { type Calendar, calendarLetters, type Range } from '../../schema/range.ts'
import { bandMonths, gridOf, layoutOf, moved } from '../../web/calendar/layout.ts'
import { CalendarModel } from '../../web/calendar/model.ts'
import { stripLetters } from '../../web/calendar/strip.ts'
import { localDay, zoneOffsets } from '../../web/calendar/zone.ts'
import { tileDays, tileHours } from './tiles.ts'

const differences = (values: readonly number[]): number[] =>
  values.map((value, i) => value - (i === 0 ? 0 : (values[i - 1] as number)))

function calendar(
  starts: readonly number[],
  letters: string,
  options: { granularity?: 'day' | 'hour'; zone?: string; ids?: number[] } = {},
): Calendar {
  const ids = options.ids ?? starts.map((_, i) => 100 + i)
  return {
    stream_id: 'str_1',
    granularity: options.granularity ?? 'day',
    timezone: options.zone ?? 'UTC',
    starts: differences(starts),
    letters,
    first_range_id: null,
    ids: differences(ids),
  }
}

const range = (id: number, changes: Partial<Range>): Range => ({
  id: rangeIdText(id),
  stream_id: 'str_1',
  kind: 'window',
  start: null,
  end: null,
  status: 'pending',
  sealed: false,
  committed_at: null,
  lane: 'history',
  attempt: 1,
  tries: 0,
  due_at: null,
  records: 0,
  bytes: 0,
  pages: 0,
  rejects: 0,
  error: null,
  run_id: null,
  started_at: null,
  finished_at: null,
  ...changes,
})

t.test('a calendar is read back from its differences', async (t) => {
  const starts = tileDays('2024-02-27', 4, 'UTC')
  // Ids need not ascend: newest_first makes older ranges later.
  const model = new CalendarModel(calendar(starts, 'cofp', { ids: [9, 8, 70, 3] }))
  t.same([...model.starts], starts)
  t.same(
    [0, 1, 2, 3].map((i) => model.letter(i)),
    ['c', 'o', 'f', 'p'],
  )
  t.same(
    [0, 1, 2, 3].map((i) => model.id(i)),
    [9, 8, 70, 3].map(rangeIdText),
  )
  t.equal(model.indexOf(rangeIdText(70)), 2)
  t.equal(model.indexOf('rng_zzz'), -1)
  t.equal(model.indexOf('nonsense'), -1)
  t.equal(model.end(0), starts[1])
  t.equal(model.end(3), (starts[3] as number) + 86_400)
})

t.test('a letter that nobody knows counts as pending', async (t) => {
  const model = new CalendarModel(calendar([0, 86_400], 'c?'))
  t.equal(model.letter(1), 'p')
  t.equal(model.count('p'), 1)
})

t.test('patches change one letter, its counts, and tell who listens', async (t) => {
  const model = new CalendarModel(calendar([0, 86_400, 172_800], 'ppp'))
  const heard: number[] = []
  const stop = model.onChange((index) => heard.push(index))
  t.ok(model.patch(range(101, { status: 'running' })))
  t.ok(model.patch(range(101, { status: 'running' })), 'the same again is no change')
  t.same(heard, [1])
  t.equal(model.count('r'), 1)
  t.equal(model.count('p'), 2)
  t.notOk(model.patch(range(999, { status: 'running' })), 'a range that is not in it')
  stop()
  model.patch(range(102, { status: 'complete', committed_at: 'x', sealed: true }))
  t.same(heard, [1])
  t.equal(model.letter(2), 'c')
})

t.test('counts always are the letters there are', async () => {
  const letters = fc.array(fc.constantFrom(...calendarLetters), { minLength: 1, maxLength: 40 })
  const edits = fc.array(fc.tuple(fc.nat(39), fc.constantFrom('pending', 'running', 'failed')))
  fc.assert(
    fc.property(letters, edits, (list, changes) => {
      const starts = list.map((_, i) => i * 86_400)
      const model = new CalendarModel(calendar(starts, list.join('')))
      for (const [i, status] of changes) model.patch(range(100 + i, { status: status as 'failed' }))
      const seen = list.map((_, i) => model.letter(i))
      for (const letter of calendarLetters) {
        const expected = seen.filter((found) => found === letter).length
        if (model.count(letter) !== expected) return false
      }
      return true
    }),
  )
})

t.test('coverage is the unbroken end of what is committed', async (t) => {
  const of = (letters: string, end: 'newest' | 'oldest' = 'newest') => {
    const starts = [...letters].map((_, i) => i * 86_400)
    const found = new CalendarModel(calendar(starts, letters)).coverage(end)
    return found && [found.from / 86_400, found.to / 86_400]
  }
  t.equal(of('ppf'), undefined)
  t.same(of('ppcco'), [2, 5])
  t.same(of('ccpcxr'), [3, 5])
  t.same(of('cccpp'), [0, 3])
  t.same(of('pcopccx', 'oldest'), [1, 3])
  t.same(of('ccc', 'oldest'), [0, 3])
  t.equal(of('ppf', 'oldest'), undefined)
  t.equal(of(''), undefined)
})

t.test('days stand in weeks from Monday', async (t) => {
  // 2024-01-03 was a Wednesday.
  const grid = gridOf(
    new CalendarModel(calendar(tileDays('2024-01-03', 10, 'UTC'), 'p'.repeat(10))),
  )
  t.same([...grid.rows], [2, 3, 4, 5, 6, 0, 1, 2, 3, 4])
  t.same([...grid.columns], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
  t.equal(grid.at(1, 0), 5)
  t.equal(grid.at(0, 0), -1)
  t.same(grid.months[0], { column: 0, label: 'Jan 2024' })
})

t.test('hours stand in days, also where a day has 23 or 25 of them', async (t) => {
  const starts = tileHours('2026-03-28', 2, 'Europe/Berlin') // the clock goes forward on the 29th
  const letters = 'p'.repeat(starts.length)
  const spring = gridOf(
    new CalendarModel(calendar(starts, letters, { granularity: 'hour', zone: 'Europe/Berlin' })),
  )
  t.equal(starts.length, 47)
  t.equal(spring.columns[24], 1)
  t.equal(spring.rows[24], 0)
  t.equal(spring.rows[46], 22)
  const autumn = tileHours('2026-10-25', 1, 'Europe/Berlin')
  const long = gridOf(
    new CalendarModel(
      calendar(autumn, 'p'.repeat(25), { granularity: 'hour', zone: 'Europe/Berlin' }),
    ),
  )
  t.equal(autumn.length, 25)
  t.same(
    [...long.rows],
    Array.from({ length: 25 }, (_, i) => i),
    'no two hours share a cell',
  )
})

t.test('every range is found where it is drawn, at every width', async () => {
  const zones = ['UTC', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Africa/Cairo']
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.integer({ min: 1, max: 900 }),
      fc.integer({ min: 120, max: 1_600 }),
      fc.boolean(),
      (zone, length, width, hourly) => {
        const starts = hourly
          ? tileHours('2023-11-03', Math.ceil(length / 24), zone)
          : tileDays('2023-11-03', length, zone)
        const model = new CalendarModel(
          calendar(starts, 'p'.repeat(starts.length), {
            granularity: hourly ? 'hour' : 'day',
            zone,
          }),
        )
        const layout = layoutOf(gridOf(model), width)
        for (let i = 0; i < model.length; i++) {
          const { x, y } = layout.position(i)
          if (x < 0 || x + layout.cell > Math.max(width, 120)) return false
          if (y + layout.cell > layout.height) return false
          if (layout.hit(x + layout.cell / 2, y + layout.cell / 2) !== i) return false
        }
        return true
      },
    ),
    { numRuns: 60 },
  )
})

t.test('month names of a band neither touch nor leave it', async (t) => {
  const model = new CalendarModel(calendar(tileDays('2020-01-01', 1_900, 'UTC'), 'p'.repeat(1_900)))
  const layout = layoutOf(gridOf(model), 700)
  for (let band = 0; band < layout.bands; band++) {
    let free = 0
    for (const { x, label } of bandMonths(layout, band)) {
      t.ok(x >= free && x + label.length * 6 <= layout.width, label)
      free = x + label.length * 6
    }
  }
})

t.test('arrow keys move in time and stop at the ends', async (t) => {
  const model = new CalendarModel(calendar(tileDays('2024-01-01', 30, 'UTC'), 'p'.repeat(30)))
  const grid = gridOf(model)
  t.equal(moved(model, grid, 8, 'ArrowRight'), 15, 'a week on')
  t.equal(moved(model, grid, 8, 'ArrowLeft'), 1)
  t.equal(moved(model, grid, 8, 'ArrowDown'), 9, 'a day on')
  t.equal(moved(model, grid, 0, 'ArrowUp'), 0)
  t.equal(moved(model, grid, 3, 'ArrowLeft'), 0)
  t.equal(moved(model, grid, 29, 'ArrowRight'), 29)
  t.equal(moved(model, grid, 5, 'End'), 29)
  t.equal(moved(model, grid, 5, 'q'), 5)
  t.equal(moved(model, grid, 5, 'n'), 5, 'nothing failed')
  const mixed = new CalendarModel(calendar(tileDays('2024-01-01', 5, 'UTC'), 'cfpxw'))
  t.equal(moved(mixed, gridOf(mixed), 1, 'n'), 3)
  t.equal(moved(mixed, gridOf(mixed), 4, 'n'), 1, 'and round again')
})

t.test('local days agree with Intl', async () => {
  const zones = ['UTC', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns', 'Pacific/Apia']
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.integer({ min: 1_200_000_000, max: 1_900_000_000 }),
      (zone, seconds) => {
        const { day } = localDay(seconds, zoneOffsets(zone))
        const shown = new Date(day * 86_400_000).toISOString().slice(0, 10)
        const expected = new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(
          seconds * 1_000,
        )
        return shown === expected
      },
    ),
  )
})

t.test('a strip shows trouble before anything else, and every range once', async (t) => {
  const of = (letters: string, buckets: number) =>
    stripLetters(
      new CalendarModel(
        calendar(
          [...letters].map((_, i) => i * 86_400),
          letters,
        ),
      ),
      buckets,
    ).join('')
  t.equal(of('ccccfccc', 4), 'ccfc')
  t.equal(of('pprcccco', 4), 'prco')
  t.equal(of('cp', 4), 'ccpp')
  t.equal(of('', 4), '')
})
