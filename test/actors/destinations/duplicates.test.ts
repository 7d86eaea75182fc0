import { hash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { compareCursors } from '../../../actors/destinations/cursor-order.ts'
import { Duplicates, jsonKey, plainKey } from '../../../actors/destinations/duplicates.ts'
import { Occurrences } from '../../../actors/destinations/occurrences.ts'
import { exactJson } from '../../../actors/destinations/raw-json.ts'
import {
  addChecksums,
  rowHash,
  subtractChecksum,
  viewOf,
} from '../../../actors/destinations/row-hash.ts'
import { RowSet } from '../../../actors/destinations/row-set.ts'

t.test('one row a key survives: the highest cursor, of those the last', async (t) => {
  const rows = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 5 }), fc.option(fc.integer({ min: 0, max: 3 }))),
  )
  fc.assert(
    fc.property(rows, (rows) => {
      const duplicates = new Duplicates()
      const lost = new Set<number>()
      for (const [row, [key, cursor]] of rows.entries()) {
        const loser = duplicates.note(String(key), cursor, row)
        if (loser !== null) lost.add(loser)
      }
      return rows.every(([key, cursor], row) => {
        const mates = rows.map(([k, c], at) => ({ k, c: c ?? -1, at })).filter(({ k }) => k === key)
        const best = mates.sort((a, b) => b.c - a.c || b.at - a.at)[0]
        return lost.has(row) === (best?.at !== row) || cursor === undefined
      })
    }),
  )
  t.pass('for 100 attempts')
})

t.test(
  'memory is bounded: keys are found while fewer than a generation came between',
  async (t) => {
    const generation = 10
    for (let between = 0; between < 40; between += 1) {
      const duplicates = new Duplicates(generation)
      for (let row = 0; row < 25; row += 1) duplicates.note(`before${row}`, null, row)
      duplicates.note('key', null, 25)
      for (let i = 0; i < between; i += 1) duplicates.note(`between${i}`, null, 26 + i)
      const found = duplicates.note('key', null, 26 + between)
      if (between < generation) t.equal(found, 25, `${between} keys between`)
      if (between >= 2 * generation) t.equal(found, null, `${between} keys between`)
    }
  },
)

t.test('cursors: null is oldest, instants by time, numbers by value', async (t) => {
  const order: [older: unknown, newer: unknown][] = [
    [null, 1],
    [undefined, '2026-01-01'],
    [1, 2],
    ['9', '10'],
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'],
    ['2026-01-01T02:00:00+02:00', '2026-01-01T00:30:00Z'],
    ['2026-01-01T00:00:00.1234561Z', '2026-01-01T00:00:00.1234567Z'],
    [1, exactJson('9007199254740993')],
    ['abc', 'abd'],
    ['not a time', 5],
  ]
  for (const [older, newer] of order) {
    t.ok(compareCursors(older, newer) < 0, `${String(older)} is older`)
    t.ok(compareCursors(newer, older) > 0)
  }
  t.equal(compareCursors('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000+00:00'), 0)
  t.equal(compareCursors(null, undefined), 0)
})

t.test('occurrences count each hash by itself', async (t) => {
  const seen = new Map<string, number>()
  const occurrences = new Occurrences()
  for (let i = 0; i < 5000; i += 1) {
    const digest = hash('sha256', String(i % 700), 'hex')
    const want = seen.get(digest) ?? 0
    if (occurrences.next(digest) !== want) t.fail(`occurrence ${want} of ${digest}`)
    seen.set(digest, want + 1)
  }
  const bounded = new Occurrences(3)
  const numbers = ['a', 'b', 'c', 'd', 'd', 'a'].map((x) => bounded.next(hash('sha256', x, 'hex')))
  t.strictSame(numbers.slice(0, 3), [0, 0, 0])
  t.equal(new Set(numbers.slice(3, 5)).size, 2, 'unique past the bound')
  t.equal(numbers[5], 1)
})

t.test('checksums do not depend on order, and tell rows apart', async (t) => {
  const hashOf = (text: string): number => {
    const bytes = Buffer.from(`before${text}after`)
    return rowHash(viewOf(bytes), 6, bytes.length - 5)
  }
  const sum = (texts: string[]): number =>
    texts.reduce((total, text) => addChecksums(total, hashOf(text)), 0)
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
      const total = sum(texts)
      const first = texts[0] as string
      return (
        Number.isSafeInteger(total) &&
        total === sum(texts.toReversed()) &&
        total === sum(texts.map((text) => text)) &&
        subtractChecksum(total, sum([first])) === sum(texts.slice(1))
      )
    }),
  )
  t.not(sum(['a', 'b']), sum(['a', 'c']))
  t.not(sum(['a']), sum(['a', 'a']))
})

t.test('a row set holds what was added', async (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(100_000)), (rows) => {
      const set = new RowSet()
      for (const row of [...rows, ...rows]) set.add(row)
      const others = [0, 7, 99_999, 1_000_000].filter((row) => !rows.includes(row))
      return (
        set.size === rows.length &&
        rows.every((row) => set.has(row)) &&
        !others.some((row) => set.has(row))
      )
    }),
  )
  t.pass('for 100 sets')
})

t.test('keys are equal only where their values are', async (t) => {
  const part = fc.constantFrom('', '"', '\\', '1', '{', 'true', '[', ',', 'a')
  const text = fc.array(part, { maxLength: 5 }).map((parts) => parts.join(''))
  const value = fc.oneof(
    text,
    fc.integer({ min: -2, max: 2 }),
    fc.boolean(),
    fc.tuple(text, text),
    fc.record({ a: text }),
  )
  const keyOf = (value: unknown) =>
    typeof value === 'string' || typeof value === 'number'
      ? plainKey(value)
      : jsonKey(JSON.stringify(value))
  fc.assert(
    fc.property(value, value, (one, other) => {
      const isSame = JSON.stringify(one) === JSON.stringify(other)
      return (keyOf(one) === keyOf(other)) === isSame
    }),
    { numRuns: 5000 },
  )
  t.pass('for 5000 pairs')
})

t.test('keys and cursors from bytes are the same as parsed ones', (t) => {
  const text = fc.oneof(
    fc.string({ maxLength: 9 }),
    fc.string({ unit: 'binary', maxLength: 9 }),
    fc.constantFrom('abc', 'abcd', 'abcde', 'x'.repeat(63), 'x'.repeat(64), 'x'.repeat(65), 'ab\\'),
  )
  const value = fc.oneof(text, fc.nat(9), fc.constantFrom(123456789012345, 2 ** 60, 0.5))
  const rows = fc.array(fc.tuple(value, fc.oneof(value, fc.constant(null))), { maxLength: 40 })
  let fromBytes = 0
  fc.assert(
    fc.property(rows, (rows) => {
      const raw = new Duplicates(8)
      const parsed = new Duplicates(8)
      return rows.every(([key, cursor], row) => {
        const start = JSON.stringify(key)
        const body = viewOf(Buffer.from(`${start},${JSON.stringify(cursor)}}`))
        const at = Buffer.byteLength(start)
        const cursorFrom = cursor === null ? -1 : at + 1
        const found = raw.noteRaw(body, 0, at, cursorFrom, body.byteLength - 1, row)
        if (found !== undefined) fromBytes += 1
        const loser = found === undefined ? raw.note(plainKey(key), cursor, row) : found
        return loser === parsed.note(plainKey(key), cursor, row)
      })
    }),
  )
  t.ok(fromBytes > 100)
  t.end()
})
