import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { compileExpression } from '../../../../schema/manifest/expression/compiler.ts'
import { functionNames } from '../../../../schema/manifest/expression/function-table.ts'

const record = { ms: Date.UTC(2024, 1, 29, 12, 30, 5, 250), people: [{ n: 2, on: true }, { n: 1 }] }
const evaluate = (text: string) => compileExpression(text, ['record'])({ record })

const cases: [text: string, value: unknown][] = [
  ['int("12.9")', 12],
  ['int(-1.5)', -1],
  ['number(" 1e3 ")', 1000],
  ['number(true)', 1],
  ['string(null)', ''],
  ['string({a: 1})', '{"a":1}'],
  ['json([1, "a"])', '[1,"a"]'],
  ['parseJson("{\\"a\\": 1}").a', 1],
  ['typeOf(null) + typeOf([]) + typeOf({}) + typeOf(1)', 'nulllistmapnumber'],
  ['boolean("no") || boolean("0")', false],
  ['boolean("yes")', true],
  ['size("abc") + size([1]) + size({a: 1}) + size(null)', 5],
  ['join([1, "a", true], ",")', '1,a,true'],
  ['split("a,b,c", ",", 2)', ['a', 'b']],
  ['replace("a.b.c", ".", "-")', 'a-b-c'],
  ['replaceMatch("a1b22", "[0-9]+", "#")', 'a#b#'],
  ['match("id=42;", "id=(\\\\d+)")[1]', '42'],
  ['match("x", "y")', null],
  ['lower("ÄB") + upper("ß")', 'äbSS'],
  ['trim("  a ") + trim("//a/", "/")', 'aa'],
  ['trimStart("xxa", "x") + trimEnd("axx", "x")', 'aa'],
  ['startsWith("abc", "ab") && endsWith("abc", "bc")', true],
  ['slice("abcd", 1, 3) + slice("abcd", -1)', 'bcd'],
  ['slice([1, 2, 3], 1)', [2, 3]],
  ['first([]) ?? last([1, 2])', 2],
  ['first("abc")', 'a'],
  ['unique([1, "1", 1, {a: 1}, {a: 1}])', [1, '1', { a: 1 }]],
  ['reverse([1, 2])', [2, 1]],
  ['flatten([1, [2, [3]]])', [1, 2, [3]]],
  ['pluck(record.people, "on")', [true, null]],
  ['pickWhere(record.people, "on") | pluck: "n"', [2]],
  ['pickWhere(record.people, "n", ">=", 2) | size', 1],
  ['sort(record.people, "n") | pluck: "n"', [1, 2]],
  ['keys({b: 1, a: 2}) + values({c: 3})', ['b', 'a', 3]],
  ['merge({a: 1, b: 1}, {b: 2})', { a: 1, b: 2 }],
  ['min(3, 1, 2) + max([1, 5])', 6],
  ['min([])', null],
  ['concat("a", 1, true)', 'a1true'],
  ['round(2.5) + round(1.005, 2) + abs(-1) + floor(1.9) + ceil(1.1)', 8.01],
  ['padStart(7, 3, "0")', '007'],
  ['snakeCase("OrderID") + snakeCase("line-Item 2")', 'order_idline_item_2'],
  ['urlEncode("a b&c/ü")', 'a%20b%26c%2F%C3%BC'],
  ['base64("hé") | fromBase64', 'hé'],
  ['formatTime(record.ms, "%Y/%m/%d %H:%M")', '2024/02/29 12:30'],
  ['formatTime("2024-07-01T00:00:00Z", "iso", "Europe/Berlin")', '2024-07-01T02:00:00+02:00'],
  ['formatTime(record.ms, "epoch")', 1709209805],
  ['parseTime("29.02.2024", "%d.%m.%Y") | iso', '2024-02-29T00:00:00Z'],
  ['epoch("2024-02-29T12:30:05Z")', 1709209805],
  ['dateIn("2024-02-29T23:30:00Z", "Asia/Tokyo")', '2024-03-01'],
  ['addDays("2024-02-28", 2) | iso', '2024-03-01T00:00:00Z'],
  ['subTime("2024-03-01", "1h") | iso', '2024-02-29T23:00:00Z'],
  ['addTime(0, "PT1M30S")', 90_000],
  ['duration("P1DT2H") + duration("30s")', 93_630_000],
]

t.test('functions', (t) => {
  for (const [text, value] of cases) t.strictSame(evaluate(text), value, text)
  const tried = cases.map(([text]) => text).join(' ')
  const untried = functionNames.filter(
    (name) =>
      !new RegExp(`\\b${name}\\b`).test(tried) && !['hash', 'hmac', 'mapEach'].includes(name),
  )
  t.strictSame(untried, [], 'every function is tried here')
  t.end()
})

t.test('wrong values are errors, never exceptions of the platform', (t) => {
  for (const [text, code] of [
    ['int("x")', 'type'],
    ['number("")', 'type'],
    ['parseJson("{")', 'type'],
    ['join("abc")', 'type'],
    ['sort([1, "a"])', 'type'],
    ['pickWhere([], "a", "~", 1)', 'arguments'],
    ['round(1, 99)', 'arguments'],
    ['fromBase64("*")', 'type'],
    ['hash("a", "sha1")', 'arguments'],
    ['iso("never")', 'time'],
    ['iso(1e300)', 'time'],
    ['formatTime(0, "%Q")', 'time'],
    ['formatTime(0, "iso", "Mars/Base")', 'time'],
    ['parseTime("x", "%Y")', 'time'],
    ['duration("soon")', 'time'],
    ['duration("P")', 'time'],
  ] as const) {
    t.throws(() => evaluate(text), { name: 'ExpressionError', code }, text)
  }
  t.end()
})

t.test('digests agree with those of the platform', (t) => {
  const run = (text: string, a: string, b = '') => compileExpression(text, ['a', 'b'])({ a, b })
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.string(), (a, b) => {
      t.equal(run('hash(a)', a), createHash('sha256').update(a).digest('hex'))
      t.equal(run('hash(a, "md5")', a), createHash('md5').update(a).digest('hex'))
      const signed = createHmac('sha256', b).update(a).digest('base64')
      t.equal(run('hmac(a, b, "base64")', a, b), signed)
      t.equal(run('base64(a)', a), Buffer.from(a).toString('base64'))
    }),
    { numRuns: 60 },
  )
  t.end()
})
