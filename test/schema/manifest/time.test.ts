import fc from 'fast-check'
import t from 'tap'
import {
  formatProblem,
  formatTime,
  instantOf,
  namedFormats,
  parseTime,
} from '../../../schema/manifest/time.ts'

const moment = Date.UTC(2024, 1, 29, 23, 5, 9, 42)

t.test('formats', (t) => {
  const cases: [format: string, zone: string, text: string | number][] = [
    ['iso', 'UTC', '2024-02-29T23:05:09Z'],
    ['iso', 'Asia/Kolkata', '2024-03-01T04:35:09+05:30'],
    ['iso_ms', 'UTC', '2024-02-29T23:05:09.042Z'],
    ['iso_micro', 'UTC', '2024-02-29T23:05:09.042000Z'],
    ['iso_offset', 'UTC', '2024-02-29T23:05:09+00:00'],
    ['date', 'America/New_York', '2024-02-29'],
    ['date', 'Pacific/Apia', '2024-03-01'],
    ['epoch', 'UTC', 1709247909],
    ['epoch_ms', 'UTC', moment],
    ['%Y-%m-%d %H:%M:%S', 'UTC', '2024-02-29 23:05:09'],
    ['%-d.%-m.%y %I:%M %p %%', 'UTC', '29.2.24 11:05 PM %'],
    ['%a, %d %b %Y %T %z', 'Europe/Berlin', 'Fri, 01 Mar 2024 00:05:09 +0100'],
    ['%A %B %j %F%:z', 'UTC', 'Thursday February 060 2024-02-29+00:00'],
    ['created_on:gte:%s.%L.%f', 'UTC', 'created_on:gte:1709247909.042.042000'],
  ]
  for (const [format, zone, text] of cases) {
    t.equal(formatProblem(format), undefined)
    t.equal(formatTime(moment, format, zone), text, `${format} in ${zone}`)
  }
  t.match(formatProblem('%Q'), /%Q/)
  t.match(formatProblem('YYYY-MM-DD'), /iso/)
  t.equal(formatTime(-1, 'epoch'), -1, 'before 1970 too, always downward')
  t.throws(() => formatTime(0, 'iso', 'Mars/Base'), RangeError)
  t.end()
})

t.test('the forms in which records carry times', (t) => {
  const same: [unknown, string?][] = [
    ['2024-02-29T23:05:09.042Z'],
    ['2024-02-29t23:05:09.042z'],
    ['2024-02-29 23:05:09.042 UTC'],
    ['2024-03-01T00:05:09,042999+01:00'],
    ['2024-03-01T00:05:09.042+0100'],
    ['2024-02-29T23:05:09.042'],
    ['2024-03-01T00:05:09.042', 'Europe/Berlin'],
    [moment],
    [String(moment)],
    [moment / 1000],
    [moment * 1000],
    [BigInt(moment) * 1000n],
  ]
  for (const [value, zone] of same) t.equal(instantOf(value, zone), moment, String(value))
  t.equal(instantOf('2024-02-29'), Date.UTC(2024, 1, 29))
  t.equal(instantOf('2024-02-29', 'Asia/Tokyo'), Date.UTC(2024, 1, 28, 15))
  t.equal(instantOf('Thu, 29 Feb 2024 23:05:09 GMT'), moment - 42)
  t.equal(instantOf('0001-01-01T00:00:00Z'), -62135596800000, 'a zero date of some platforms')
  for (const odd of [
    '',
    'soon',
    '2024-13-01',
    '2024-02-30',
    '2024-02-29T25:00:00Z',
    '12',
    null,
    true,
    {},
    Number.NaN,
    1e30,
  ]) {
    t.equal(instantOf(odd), undefined, String(odd))
  }
  t.end()
})

t.test('what is written can be read again', (t) => {
  const zones = ['UTC', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Apia', 'Europe/Berlin']
  const precise = ['iso_ms', 'iso_micro', 'epoch_ms', '%Y%m%dT%H%M%S.%f%z', '%s']
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2099, 0) }),
      fc.constantFrom(...zones),
      fc.constantFrom(...namedFormats, ...precise),
      (ms, zone, format) => {
        const back = parseTime(formatTime(ms, format, zone), format, zone)
        if (format === 'date') {
          const lag = ms - (back as number)
          t.ok(lag >= -3_600_000 && lag < 26 * 3_600_000, `${format} ${zone} ${ms}`)
        } else {
          const unit = ['iso_ms', 'iso_micro', 'epoch_ms', '%Y%m%dT%H%M%S.%f%z'].includes(format)
            ? 1
            : 1000
          t.equal(back, Math.floor(ms / unit) * unit, `${format} ${zone} ${ms}`)
        }
      },
    ),
    { numRuns: 500 },
  )
  t.end()
})

t.test('patterns are read strictly', (t) => {
  t.equal(parseTime('29/Feb/2024 11:05 pm', '%d/%b/%Y %I:%M %p'), Date.UTC(2024, 1, 29, 23, 5))
  t.equal(parseTime('1. March 24', '%-d. %B %y'), Date.UTC(2024, 2, 1))
  t.equal(parseTime('20240229', '%Y%m%d', 'Asia/Tokyo'), Date.UTC(2024, 1, 28, 15))
  for (const odd of ['2024-02-29x', '2024-02-30', '', 5, null]) {
    t.equal(parseTime(odd, '%Y-%m-%d'), undefined, String(odd))
  }
  t.equal(parseTime('5', '%Y%Y'), undefined, 'a directive twice cannot be read')
  t.equal(parseTime('1.5', 'epoch'), 1500)
  t.equal(parseTime('', 'epoch'), undefined)
  t.end()
})
