import fc from 'fast-check'
import t from 'tap'
import { canonicalJson } from '../../../actors/destinations/canonical-json.ts'
import { exactJson } from '../../../actors/destinations/raw-json.ts'
import {
  cleanText,
  maxObjectKeys,
  maxRowDepth,
  rowText,
  sampleOf,
} from '../../../actors/destinations/row-json.ts'
import type { Row } from '../../../actors/destinations/writer.ts'

const text = (record: unknown): string => {
  const written = rowText(record, { sanitised: 0 })
  return typeof written === 'string' ? written : `refused: ${written.reason}`
}
const nested = (levels: number): unknown =>
  JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`)

t.test('JSON that any store takes comes out as it went in, byte for byte', async (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false })), (record) => {
      const parsed = JSON.parse(JSON.stringify(record).replaceAll('\\u0000', 'x')) as Row
      const written = text(parsed)
      return written === JSON.stringify(parsed) && !written.includes('\n')
    }),
  )
  t.pass('for 100 records')
})

t.test('whatever comes in, what goes out parses, has no NUL and is well formed', async (t) => {
  const unit = fc.string({
    unit: fc.integer({ min: 0, max: 0xffff }).map((c) => String.fromCharCode(c)),
  })
  const value = fc.letrec((tie) => ({
    any: fc.oneof(unit, fc.double(), fc.constant(null), fc.array(tie('any')), tie('object')),
    object: fc.dictionary(unit, tie('any')),
  })).object
  fc.assert(
    fc.property(value, (record) => {
      const written = text(record)
      if (written.startsWith('refused: two of its names')) return true
      const back = JSON.stringify(JSON.parse(written))
      return !/\\u0000|\\ud[89a-f]/.test(back) && written.isWellFormed()
    }),
  )
  t.pass('for 100 records')
})

t.test('hostile characters are replaced and counted, by value', async (t) => {
  const counts = { sanitised: 0 }
  const record = JSON.parse('{"a":"x\\u0000y","b":"\\udc00","c":"\\\\u0000","d":"ok"}') as Row
  t.equal(rowText(record, counts), '{"a":"x\ufffdy","b":"\ufffd","c":"\\\\u0000","d":"ok"}')
  t.equal(counts.sanitised, 2)
  t.equal(cleanText('\0\0', counts), '\ufffd\ufffd')
})

t.test('exact numbers keep their text, on the slow path too', async (t) => {
  const big = exactJson('12345678901234567890.50')
  t.equal(text({ big }), '{"big":12345678901234567890.50}')
  t.equal(text({ big, nul: '\0' }), '{"big":12345678901234567890.50,"nul":"\ufffd"}')
  t.equal(text({ s: exactJson('"\\u0000"') }), '{"s":"\ufffd"}')
})

t.test('names that mean something elsewhere are names', async (t) => {
  const source = '{"__proto__":{"x":1},"constructor":{"prototype":2},"toJSON":3,"then":4}'
  t.equal(text(JSON.parse(source)), source)
  t.equal(({} as Row).x, undefined)
})

t.test('bounds: depth, names of one object, size, kind', async (t) => {
  t.equal(text(nested(maxRowDepth)), JSON.stringify(nested(maxRowDepth)))
  t.match(text(nested(maxRowDepth + 1)), /nested deeper/)
  t.match(text({ deep: nested(50_000) }), /nested deeper/)
  const names = (count: number): Row =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 0]))
  t.notMatch(text({ a: names(maxObjectKeys), b: names(maxObjectKeys) }), /refused/)
  t.match(text({ a: names(maxObjectKeys + 1) }), /10000 names/)
  t.match(text({ a: 'é'.repeat(8 * 1024 * 1024) }), /larger than/)
  for (const record of [null, 1, 'x', [], undefined]) t.match(text(record), /not an object/)
  t.match(text({ 'a\0': 1, 'a\ufffd': 2 }), /two of its names/)
})

t.test('a sample is short, well formed and never throws', async (t) => {
  t.equal(sampleOf({ a: 1 }), '{"a":1}')
  t.ok(sampleOf({ a: '😀'.repeat(5000) }).length <= 1001)
  t.ok(sampleOf({ a: '😀'.repeat(5000) }).isWellFormed())
  t.match(sampleOf({ deep: nested(50_000) }), /^{"deep":/)
  t.equal(sampleOf(undefined), 'undefined')
})

t.test('canonical text does not depend on the order of names', async (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
      const reversed = Object.fromEntries(Object.entries(record).reverse())
      const a = canonicalJson(record)
      return a === canonicalJson(reversed) && canonicalJson(JSON.parse(a)) === a
    }),
  )
  t.equal(
    canonicalJson({ b: [1, { d: 1, c: exactJson('1e400') }], a: null }),
    '{"a":null,"b":[1,{"c":1e400,"d":1}]}',
  )
})
