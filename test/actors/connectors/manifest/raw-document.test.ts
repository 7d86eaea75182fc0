import fc from 'fast-check'
import t, { type Test as Tap } from 'tap'
import { makeStreamReader } from '../../../../actors/connectors/manifest/reader.ts'
import { makeEncoder as makeFileEncoder } from '../../../../actors/destinations/local-file/encoder.ts'
import { makeEncoder as makeCopyEncoder } from '../../../../actors/destinations/postgres/encoder.ts'
import type { HttpClient } from '../../../../actors/http/http.ts'
import { encodePage } from '../../../../actors/sync-range.ts'
import { toFailure } from '../../../../schema/error.ts'
import type { JobRange, Target } from '../../../../schema/protocol.ts'
import { jumpingClock, manifestOf } from '../test-api.ts'

const start = Date.UTC(2026, 0, 1)
const range: JobRange = {
  id: 1,
  kind: 'window',
  start,
  end: start + 86_400_000,
  granularity: 'day',
  zone: 'UTC',
  committedFence: null,
}
const target: Target = {
  destinationId: 'd',
  type: 'local_file',
  config: {},
  configVersion: 1,
  streamKey: 's',
  namespace: 'n',
  table: 't',
  writeMode: 'upsert',
  deletes: 'keep',
  primaryKey: ['id'],
  columns: { two: 'integer' },
  cursorField: 'at',
  tracks: 'updates',
}
const manifest = manifestOf(`
api: {base_url: "http://127.0.0.1:1"}
defaults: {key: [id], retry: {attempts: 0}}
streams:
  items:
    path: /items
    records: {at: list.data}
    paging: {type: next_url, at: next}
    window: {field: at, tracks: updates, end_filter: true, start: {name: from}, end: {name: to}}
  counted:
    path: /items
    records: {at: list.data}
    paging: {type: page, name: page, first: 1, stop: empty, more: "size(response.list.data) > 0", size: {name: limit, value: 2}}
`)

/** Shorter bodies are parsed in any case. */
const padding = `"pad":"${'.'.repeat(2100)}"`

/** Everything that a read of these bodies hands to the destination, and how many pages came unparsed. */
async function readAll(
  bodies: Buffer[],
  isRaw: boolean,
  makeEncoder: typeof makeFileEncoder,
  streamName = 'items',
) {
  const left = bodies.values()
  const http: HttpClient = {
    send: async ({ url }) => {
      const body = left.next().value ?? Buffer.from('{"list":{"data":[]}}')
      return { status: 200, headers: {}, body, url }
    },
  }
  const clock = jumpingClock()
  const common = { manifest, streamName, config: {}, http, clock, random: () => 0.5 }
  const encoder = makeEncoder({ target, range, fetchedFrom: start })
  const pages: unknown[] = []
  let unparsed = 0
  try {
    const request = {
      window: { start: range.start, end: range.end },
      signal: new AbortController().signal,
      onWait: () => {},
      ...(isRaw && encoder.raw ? { raw: encoder.raw.wish } : {}),
    }
    for await (const page of makeStreamReader(common).pages(request)) {
      if (page.raw) unparsed += 1
      const { bytes, recordCount, checksum, meta, ...encoded } = encodePage(encoder, page)
      const rows = Buffer.from(bytes).toString()
      const { dropped, rejects = [], requests } = page
      const rejected = [...rejects, ...encoded.rejects]
      const counts = { recordCount, checksum, dropped, requests, sanitised: encoded.sanitised }
      pages.push({ rows, ...counts, meta, rejected })
    }
    return { pages, unparsed, failure: null }
  } catch (error) {
    return { pages, unparsed, failure: toFailure(error) }
  }
}

/** Reads twice and compares; gives the number of pages that came unparsed. */
async function compare(t: Tap, bodies: Buffer[], streamName?: string): Promise<number> {
  await compareIn(t, bodies, makeCopyEncoder, streamName)
  return await compareIn(t, bodies, makeFileEncoder, streamName)
}

async function compareIn(
  t: Tap,
  bodies: Buffer[],
  makeEncoder: typeof makeFileEncoder,
  streamName?: string,
): Promise<number> {
  const parsed = await readAll(bodies, false, makeEncoder, streamName)
  const raw = await readAll(bodies, true, makeEncoder, streamName)
  const said = (read: typeof raw): string => JSON.stringify([read.pages, read.failure], null, 1)
  if (said(raw) !== said(parsed)) {
    const texts = bodies.map((body) => String(body).replace(padding, ''))
    t.equal(said(raw), said(parsed), texts.join('\n').slice(0, 2000))
    throw new Error('not the same')
  }
  return raw.unparsed
}

// Texts that are put together, not values that are written: what a serialiser would never write is what matters here.
const rarely = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>, weight = 1): fc.Arbitrary<T> =>
  fc.oneof({ weight: 80, arbitrary: usual }, { weight, arbitrary: rare })
const blank = rarely(fc.constant(''), fc.constantFrom(' ', '\n', '\r\n\t', '  '), 3)
const piece = rarely(
  fc.constantFrom(
    'a',
    'bc',
    'é',
    '😀',
    '\u2028',
    '\x7f',
    '\\n',
    '\\"',
    '\\\\',
    '\\u001f',
    '{',
    ',',
  ),
  fc.constantFrom(
    '\\/',
    '\\u0041',
    '\\u00e9',
    '\\u0000',
    '\\ud800',
    '\\ud83d\\ude00',
    '\\u001F',
    '\x01',
    '\\x',
    '\\u000a',
  ),
)
const text = fc.array(piece, { maxLength: 5 }).map((parts) => `"${parts.join('')}"`)
const number = rarely(
  fc.oneof(
    fc.integer().map(String),
    fc.constantFrom(
      '0',
      '-1',
      '12.5',
      '0.1',
      '123456789012345',
      '12.50',
      '1.0',
      '0.000001',
      '-7.250',
    ),
  ),
  fc.constantFrom(
    '-0',
    '-0.0',
    '1e5',
    '1E-7',
    '0.0000001',
    '12345678901234567',
    '123456789012345678901',
    '1234567890123456789012',
    '0.1234567890123456',
    '01',
    '1.',
    '-',
    '.5',
    '1e400',
    '9007199254740993',
    '0.00000010',
  ),
)
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.oneof(
      text,
      number,
      rarely(
        fc.constantFrom('true', 'false', 'null'),
        fc.constantFrom('nul', 'True', 'NaN', 'undefined'),
      ),
    ),
    fc
      .tuple(fc.array(tie('value'), { maxLength: 3 }), blank)
      .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}]`),
    fc
      .tuple(
        fc.array(
          fc.tuple(
            rarely(
              fc.constantFrom('a', 'b', 'c d', 'é', '', '__proto__', 'id', 'at'),
              fc.constantFrom('1', '0x', 'a\\n', 'constructor', '_derrick_range'),
            ),
            tie('value'),
          ),
          { maxLength: 3 },
        ),
        blank,
      )
      .map(
        ([members, gap]) =>
          `{${members.map(([name, inner]) => `${gap}"${name}":${gap}${inner}`).join(',')}}`,
      ),
  ),
}))
const id = rarely(
  fc.oneof(
    fc.integer({ min: 0, max: 30 }).map((n) => `"k${n}"`),
    fc.integer({ min: 0, max: 9 }).map(String),
  ),
  fc.oneof(
    fc.constantFrom(
      'null',
      '1.0',
      '"é"',
      '"\\u0041"',
      `"${'x'.repeat(70)}"`,
      '-1',
      'true',
      '[1]',
      '12345678901234567',
    ),
    value,
  ),
)
const time = rarely(
  fc
    .integer({ min: start - 20_000_000, max: range.end + 20_000_000 })
    .map((ms) => `"${new Date(ms).toISOString()}"`),
  fc.oneof(
    fc.constantFrom(
      'null',
      '"2026-01-01T05:00:00Z"',
      '"2026-01-01"',
      '1767250000',
      '"soon"',
      '"2026-01-01T02:00:00+02:00"',
      '""',
    ),
    value,
  ),
  3,
)
const record = rarely(
  fc
    .tuple(id, time, value, value, blank, fc.integer({ min: 0, max: 20 }))
    .map(([key, at, one, two, gap, form]) => {
      const parts = [`"id":${key}`, `"at":${at}`, `"one":${gap}${one}`, `"two":${two}`]
      // Most records look alike; some lack a name, have another, or one twice.
      if (form === 0) parts.pop()
      if (form === 1) parts.splice(1, 0, '"three":3')
      if (form === 2) parts.push(`"one":${two}`)
      if (form === 3) parts.push('"7":1')
      if (form === 4) parts.push('"_derrick_id":"x"')
      if (form === 5) parts.shift()
      return `{${parts.join(`${gap},`)}${gap}}`
    }),
  fc.constantFrom('null', '1', '"x"', '[]', '{}'),
)
const body = fc
  .tuple(
    fc.array(record, { maxLength: 8 }),
    blank,
    fc.integer({ min: 0, max: 60 }),
    fc.nat(),
    fc.nat(),
  )
  .map(([records, gap, form, where, byte]) => {
    const list = `"data":${gap}[${gap}${records.join(`${gap},${gap}`)}]`
    const more =
      form === 0 ? ',"data":[]' : form === 1 ? ',"data":null' : form === 2 ? ',"n":1e400' : ''
    const first =
      form === 3 ? '"data":null,' : form === 4 ? '"\\u0064ata":[],' : '"x":["]}\\"",{}],'
    const made = Buffer.from(
      `${form === 5 ? '\ufeff' : ''}{${padding},"list":{${first}${list}${more}}${gap},"next":null}`,
    )
    // A byte gone wrong, or the end cut off.
    if (form === 6) made[where % made.length] = byte % 256
    return form === 7 ? made.subarray(0, where % made.length) : made
  })

// Thousands of reads take their time on a slow machine.
t.setTimeout(120_000)

t.test('unparsed records come to the same as parsed ones', async (t) => {
  let pages = 0
  let unparsed = 0
  await fc.assert(
    fc.asyncProperty(body, async (bytes) => {
      pages += 1
      unparsed += await compare(t, [bytes])
    }),
    { numRuns: 1000 },
  )
  t.ok(unparsed > pages / 8, `${unparsed} of ${pages} pages came unparsed`)
})

// Records of one build, as APIs have them, and in most pages one byte that makes the build of one record another.
const scalar = fc.oneof(text, number, fc.constantFrom('true', 'false', 'null'))
const alike = fc
  .tuple(
    fc.array(fc.tuple(id, time, scalar, scalar, scalar), { minLength: 3, maxLength: 10 }),
    fc.constantFrom('none', 'replace', 'remove', 'insert'),
    fc.nat(),
    fc.constantFrom(...'{}[]",:\\ a0n\n'),
  )
  .map(([rows, change, where, byte]) => {
    const records = rows.map(
      ([key, at, one, two, three]) =>
        `{"id":${key},"at":${at},"one":${one},"two":{"b c":${two},"d":[${three},{"e":[]}]},"three":${one}}`,
    )
    const list = Buffer.from(records.join(','))
    const at = where % list.length
    const parts = [
      list.subarray(0, at),
      change === 'replace' || change === 'insert' ? Buffer.from(byte) : Buffer.alloc(0),
      list.subarray(change === 'replace' || change === 'remove' ? at + 1 : at),
    ]
    const head = Buffer.from(`{${padding},"list":{"data":[`)
    return Buffer.concat([head, ...parts, Buffer.from(']},"next":null}')])
  })

t.test('records that look alike come to the same, and those that nearly do', async (t) => {
  let pages = 0
  let unparsed = 0
  await fc.assert(
    fc.asyncProperty(alike, async (bytes) => {
      pages += 1
      unparsed += await compare(t, [bytes])
    }),
    { numRuns: 600 },
  )
  t.ok(unparsed > pages / 8, `${unparsed} of ${pages} pages came unparsed`)
})

t.test('keys are the same on pages of both kinds', async (t) => {
  const page = (records: string[], next: number | null): Buffer =>
    Buffer.from(
      `{${padding},"list":{"data":[${records.join(',')}]},"next":${next === null ? null : `"/items?page=${next}"`}}`,
    )
  const at = (hour: number): string => `"at":"2026-01-01T0${hour}:00:00Z"`
  const keys = [
    '1',
    '"1"',
    '"é"',
    `"${'k'.repeat(80)}"`,
    '12345678901234567890',
    'true',
    '-5',
    '{"a":1}',
  ]
  const plain = keys.map((key, i) => `{"id":${key},${at(i)}}`)
  const odd = keys.map((key, i) => `{"id":${key},${at(9 - i)},"x":"\\u0041"}`)
  const unparsed = await compare(t, [
    page(plain, 2),
    page(odd, 3),
    page(plain, 4),
    page(plain, null),
  ])
  t.equal(unparsed, 3)
})

t.test('what looks at the records still finds them', async (t) => {
  const page = (...ids: number[]): Buffer =>
    Buffer.from(`{${padding},"list":{"data":[${ids.map((n) => `{"id":${n}}`)}]}}`)
  t.equal(await compare(t, [page(1, 2), page(3, 4), page()], 'counted'), 3)
  t.equal(
    await compare(t, [page(1, 2), page(1, 2), page()], 'counted'),
    1,
    'a page that came again',
  )
})

t.test('a read whose pages are all unusual stops looking', async (t) => {
  const page = (n: number): Buffer =>
    Buffer.from(
      `{${padding},"list":{"data":[{"id":${n},"at":"2026-01-01T00:00:00Z","x":1e2}]},"next":"/items?page=${n}"}`,
    )
  const bodies = Array.from({ length: 5 }, (_, n) => page(n))
  const plain = Buffer.from(
    `{${padding},"list":{"data":[{"id":9,"at":"2026-01-01T00:00:00Z"}]},"next":null}`,
  )
  t.equal(await compare(t, [...bodies, plain]), 0)
})
