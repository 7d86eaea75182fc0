import fc from 'fast-check'
import t from 'tap'
import {
  recordTime,
  spansOf,
  tickOf,
  windowValues,
} from '../../../../actors/connectors/manifest/window.ts'
import { utcTimeIn } from '../../../../actors/utc-time.ts'
import { formatTime, instantOf, parseTime } from '../../../../schema/manifest/time.ts'
import type { Window } from '../../../../schema/manifest/window.ts'
import { failureOf, ids, manifestOf, readAll, startApi } from '../test-api.ts'

const base: Window = {
  field: 'at',
  tracks: 'updates',
  end_filter: true,
  start_is: 'inclusive',
  end_is: 'exclusive',
  format: 'iso',
  unit: 'second',
  zone: 'UTC',
  settle_ms: 0,
  revise: '0',
  order: 'none',
}
const window = (more: object): Window => ({ ...base, ...more })

const start = Date.UTC(2026, 2, 1)
const end = Date.UTC(2026, 2, 2)

t.test('edges in every format', async (t) => {
  const sent = (more: Partial<Window>, zone = 'UTC') => {
    const { start: from, end: to } = windowValues(window(more), { start, end }, zone)
    return [from, to]
  }
  t.same(sent({}), ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'])
  t.same(sent({ start_is: 'exclusive' }), ['2026-02-28T23:59:59Z', '2026-03-02T00:00:00Z'])
  t.same(sent({ format: 'iso_ms', start_is: 'exclusive' }), [
    '2026-02-28T23:59:59.999Z',
    '2026-03-02T00:00:00.000Z',
  ])
  t.same(sent({ format: 'epoch', end_is: 'inclusive' }), [start / 1_000, end / 1_000])
  t.same(sent({ format: 'iso_offset' }, 'Asia/Kolkata'), [
    '2026-03-01T05:30:00+05:30',
    '2026-03-02T05:30:00+05:30',
  ])
  t.same(sent({ format: 'date' }), ['2026-03-01', '2026-03-02'])
  t.same(sent({ format: 'date', end_is: 'inclusive' }), ['2026-03-01', '2026-03-01'])
  t.same(sent({ format: 'date', start_is: 'exclusive' }), ['2026-02-28', '2026-03-02'])
  // A day of UTC touches two days of New York: both are asked for.
  t.same(sent({ format: 'date', end_is: 'inclusive' }, 'America/New_York'), [
    '2026-02-28',
    '2026-03-01',
  ])
  t.same(sent({ format: '%d.%m.%Y %H:%M', start_is: 'exclusive' }), [
    '28.02.2026 23:59',
    '02.03.2026 00:00',
  ])
})

t.test('the tick is that of the finest part', async (t) => {
  t.same(['iso', 'iso_ms', 'date', '%Y%m%d', '%Y-%m-%d %H', '%F %T', '%s'].map(tickOf), [
    'second',
    'ms',
    'day',
    'day',
    'hour',
    'second',
    'second',
  ])
})

/** What an API that behaves as the manifest says would give. */
const gives = (
  spec: Window,
  values: { start: unknown; end: unknown },
  time: number,
  zone: string,
) => {
  const written = (ms: number) =>
    parseTime(formatTime(ms, spec.format, zone), spec.format, zone) as number
  const isDay = tickOf(spec.format) === 'day'
  // An API of dates compares dates, one of instants compares the record's whole precision.
  const at = isDay ? written(time) : time
  const from = parseTime(values.start, spec.format, zone) as number
  const to = parseTime(values.end, spec.format, zone) as number
  const afterStart = spec.start_is === 'inclusive' ? at >= from : at > from
  const beforeEnd = spec.end_is === 'inclusive' ? at <= to : at < to
  return afterStart && beforeEnd
}

t.test('whatever the edges, no record of the span is left out', async (_t) => {
  const zones = ['UTC', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata']
  fc.assert(
    fc.property(
      fc.constantFrom(
        'iso',
        'iso_ms',
        'iso_micro',
        'iso_offset',
        'date',
        'epoch',
        'epoch_ms',
        '%F %T',
        '%Y%m%d',
      ),
      fc.constantFrom('inclusive' as const, 'exclusive' as const),
      fc.constantFrom('inclusive' as const, 'exclusive' as const),
      fc.integer({ min: 1.5e12, max: 1.8e12 }),
      fc.integer({ min: 1, max: 90_000_000 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      fc.constantFrom(...zones),
      (format, start_is, end_is, from, length, place, zone) => {
        // Local texts without an offset are ambiguous once a year; APIs that take them are told in UTC.
        const safeZone = format === '%F %T' ? 'UTC' : zone
        const spec = window({ format, start_is, end_is })
        const values = windowValues(spec, { start: from, end: from + length }, safeZone)
        return gives(spec, values, from + Math.floor(place * length), safeZone)
      },
    ),
    { numRuns: 2_000 },
  )
})

t.test('spans tile the window', async (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e9 }),
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 1e6, max: 1e9 }),
      (from, length, max_span_ms) => {
        const spans = spansOf(window({ max_span_ms }), { start: from, end: from + length })
        t.equal(spans[0]?.start, from)
        t.equal(spans.at(-1)?.end, from + length)
        for (const [at, span] of spans.entries()) {
          if (at > 0 && span.start !== spans[at - 1]?.end) return false
          if (span.end - span.start > max_span_ms) return false
        }
        return true
      },
    ),
    { numRuns: 200 },
  )
})

t.test('a record says its time in many forms', async (t) => {
  const ms = Date.UTC(2026, 2, 1, 12)
  for (const value of [
    '2026-03-01T12:00:00Z',
    '2026-03-01 12:00:00',
    '2026-03-01T14:00:00+02:00',
    ms,
    ms / 1_000,
    String(ms / 1_000),
  ])
    t.equal(recordTime(value, 'iso', 'UTC'), ms, String(value))
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), (date) => {
      const text = date.toISOString()
      return recordTime(text, 'iso', 'UTC') === date.getTime() && instantOf(text) === date.getTime()
    }),
  )
  t.equal(recordTime('2026-02-30T00:00:00Z', 'iso', 'UTC'), undefined, 'no such day')
  for (let day = 0; day < 1500; day += 1) {
    const date = new Date(Date.UTC(2023, 0, 1 + day, 23, 59, 59))
    const text = `${date.toISOString().slice(0, 19)}Z`
    t.equal(utcTimeIn(Buffer.from(text), 0, text.length), date.getTime(), text)
  }
  for (const text of ['2023-02-29T00:00:00Z', '2100-02-29T00:00:00Z', '2026-04-31T00:00:00Z'])
    t.equal(utcTimeIn(Buffer.from(text), 0, text.length), undefined, text)
  t.equal(recordTime('01/03/2026', '%d/%m/%Y', 'UTC'), Date.UTC(2026, 2, 1))
  t.equal(recordTime('2026-03-01', 'date', 'Asia/Tokyo'), Date.UTC(2026, 1, 28, 15))
  for (const value of ['yesterday at noon', '', {}, [], true, Number.NaN])
    t.equal(recordTime(value, 'iso', 'UTC'), undefined, String(value))
})

const hourMs = 3_600_000
const at = (id: number, ms: number | null | string) => ({
  id,
  at: typeof ms === 'number' ? new Date(ms).toISOString() : ms,
})
const stream = (url: string, more: string, top = 'key: [id]') =>
  manifestOf(`
api: {base_url: "${url}"}
streams:
  items:
    path: /items
    ${top}
    window: {field: at, tracks: updates, ${more}}
`)
const span = { start, end: start + hourMs }

t.test('a record belongs to the range of its own time, edges included', async (t) => {
  const records = [
    at(1, start - 1),
    at(2, start),
    at(3, start + hourMs - 1),
    at(4, start + hourMs),
    at(5, null),
    at(6, 'yesterday at noon'),
    { id: 7 },
  ]
  const api = await startApi(() => records)
  const both = 'end_filter: true, start: {name: from}, end: {name: to}'
  const result = await readAll({ manifest: stream(api.url, both), window: span })
  t.same(ids(result.records), [2, 3, 5, 6, 7], 'what has no time is kept')
  t.equal(result.dropped, 2)
  t.equal(
    api.calls[0]?.query.toString(),
    'from=2026-03-01T00%3A00%3A00Z&to=2026-03-01T01%3A00%3A00Z',
  )
  const whole = await readAll({ manifest: stream(api.url, both), window: null })
  t.equal(whole.records.length, 7, 'a full read keeps all')
  t.equal(api.calls[1]?.query.size, 0, 'and sends no window')
})

t.test('dates are local to the source, instants are UTC', async (t) => {
  const api = await startApi(() => [])
  const params = 'end_filter: true, start: {name: from}, end: {name: to}, end_is: inclusive'
  const read = (format: string) =>
    readAll({
      manifest: stream(api.url, `${params}, format: ${format}`),
      timezone: 'America/New_York',
      window: { start: start + 5 * hourMs, end: end + 5 * hourMs },
    })
  await read('date')
  t.equal(api.calls[0]?.query.toString(), 'from=2026-03-01&to=2026-03-01')
  await read('iso')
  t.match(api.calls[1]?.query.get('from'), '2026-03-01T05:00:00Z')
})

t.test('a page without one readable time is a wrong manifest', async (t) => {
  const api = await startApi(() => [at(1, 'soon'), at(2, 'later'), at(3, null)])
  const manifest = stream(api.url, 'end_filter: true, start: {name: from}, end: {name: to}')
  const failure = await failureOf(readAll({ manifest, window: span }))
  t.equal(failure.code, 'window.field_unreadable')
  t.equal(failure.category, 'transform')
  t.match(failure.message, /at .*"soon"/)
})

t.test('without key and filter a record without time has no home', async (t) => {
  const api = await startApi(() => [at(1, start), at(2, null)])
  const manifest = stream(api.url, 'end_filter: false, start: {name: from}, order: asc', '')
  const failure = await failureOf(readAll({ manifest, window: span }))
  t.equal(failure.code, 'window.field_missing')
})

t.test('without an end filter an ordered list is left at the range edge', async (t) => {
  const from = (query: URLSearchParams) => Number(query.get('offset') ?? 0)
  const api = await startApi(({ path, query }) => {
    const list = Array.from({ length: 10 }, (_, n) =>
      at(from(query) + n, start + (from(query) + n) * 600_000),
    )
    return path === '/items' ? list : []
  })
  const paged = (order: string) => {
    const manifest = stream(
      api.url,
      `end_filter: false, start: {name: from}, order: ${order}`,
      'key: [id]\n    paging: {type: offset, name: offset, max_pages: 50}',
    )
    return readAll({ manifest, window: { start, end: start + 2 * hourMs } })
  }
  const { records, dropped } = await paged('asc')
  t.same(
    ids(records),
    Array.from({ length: 12 }, (_, n) => n),
  )
  t.equal(dropped, 8)
  t.equal(api.calls.length, 2, 'not a page more')
  t.equal(
    (await failureOf(paged('none'))).code,
    'paging.max_pages',
    'an unordered one is read to its end',
  )
})

t.test('a feed with the newest first ends below the range', async (t) => {
  const api = await startApi(({ query }) => {
    const page = Number(query.get('page'))
    return Array.from({ length: 5 }, (_, n) =>
      at(page * 5 + n, start + 12 * hourMs - (page * 5 + n) * hourMs),
    )
  })
  const manifest = stream(
    api.url,
    'end_filter: false, order: desc',
    'key: [id]\n    paging: {type: page, name: page, first: 0}',
  )
  const { records } = await readAll({
    manifest,
    window: { start: start + 3 * hourMs, end: start + 8 * hourMs },
  })
  t.same(ids(records), [5, 6, 7, 8, 9])
  t.equal(api.calls.length, 3)
})

t.test('long windows are asked for in pieces, and templates see them', async (t) => {
  const api = await startApi(() => [])
  const manifest = manifestOf(`
api: {base_url: "${api.url}"}
streams:
  items:
    path: /items
    query: {filter: "ge(at,{{ window.start }}),lt(at,{{ window.end }})", ms: "{{ window.start_ms }}"}
    window: {field: at, tracks: creation, end_filter: true, max_span: 1d}
`)
  await readAll({ manifest, window: { start, end: start + 36 * hourMs } })
  t.same(
    api.calls.map(({ query }) => [query.get('filter'), query.get('ms')]),
    [
      ['ge(at,2026-03-01T00:00:00Z),lt(at,2026-03-02T00:00:00Z)', String(start)],
      ['ge(at,2026-03-02T00:00:00Z),lt(at,2026-03-02T12:00:00Z)', String(end)],
    ],
  )
})

t.test('restart begins a new query where the API cuts one off', async (t) => {
  const all = Array.from({ length: 45 }, (_, n) => at(n, start + n * 60_000))
  const api = await startApi(({ query }) => {
    const from = all.findIndex(
      (record) => String(record.at) >= String(query.get('from')).replace('Z', '.000Z'),
    )
    const offset = Number(query.get('offset') ?? 0)
    if (offset >= 20) return []
    return all.slice(from + offset, from + Math.min(offset + 10, 20))
  })
  const top = 'key: [id]\n    paging: {type: offset, name: offset, restart: {after_records: 20}}'
  const manifest = stream(
    api.url,
    'end_filter: true, start: {name: from}, end: {name: to}, order: asc',
    top,
  )
  const { records } = await readAll({ manifest, window: span })
  t.same(new Set(ids(records)), new Set(ids(all)))
})
