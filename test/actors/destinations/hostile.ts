import { canonicalJson } from '../../../actors/destinations/canonical-json.ts'
import { exactJson } from '../../../actors/destinations/raw-json.ts'
import type { Row } from '../../../actors/destinations/writer.ts'

const nested = (depth: number): unknown => {
  let value: unknown = 'deep'
  for (let i = 0; i < depth; i += 1) value = i % 2 ? [value] : { a: value }
  return value
}

/** Each record says in `want` what `value` must be when it is read back; parsed, as records are. */
const cases: [id: string, value: string, want: string][] = [
  ['nul', '"a\\u0000b"', '"a\\ufffdb"'],
  ['lone-surrogate', '"\\ud800x"', '"\\ufffdx"'],
  ['pair', '"\\ud83d\\ude00"', '"😀"'],
  ['backslash-u', '"\\\\u0000 and \\\\ud800"', '"\\\\u0000 and \\\\ud800"'],
  ['newlines', '"a\\nb\\r\\n\\u2028\\u2029\\t"', '"a\\nb\\r\\n\\u2028\\u2029\\t"'],
  ['quotes', '"\\"\\\\\\"\'"', '"\\"\\\\\\"\'"'],
  ['copy-end', '"\\\\."', '"\\\\."'],
  ['copy-null', '"\\\\N"', '"\\\\N"'],
  ['sql', '"\'); drop table x; --"', '"\'); drop table x; --"'],
  ['empty', '""', '""'],
  ['names', '{"":1," ":2,"a.b":3,"a\\nb":4}', '{"":1," ":2,"a.b":3,"a\\nb":4}'],
  ['nul-name', '{"a\\u0000":1}', '{"a\\ufffd":1}'],
  ['proto', '{"__proto__":{"x":1}}', '{"__proto__":{"x":1}}'],
  ['constructor', '{"constructor":1,"toJSON":2}', '{"constructor":1,"toJSON":2}'],
  ['then', '{"then":"x","hasOwnProperty":0}', '{"then":"x","hasOwnProperty":0}'],
  ['many', JSON.stringify(Array(5000).fill(0)), JSON.stringify(Array(5000).fill(0))],
  ['long', JSON.stringify('x'.repeat(300_000)), JSON.stringify('x'.repeat(300_000))],
]

/** Records that must land, every one; their `want` is the text of what must come back. */
export function hostileRecords(): Row[] {
  const parsed = cases.map(([id, value, want]) => {
    const record = JSON.parse(`{"id":"${id}","__proto__":"own","value":{"v":${value}}}`) as Row
    return { ...record, ['__proto__' as string]: 'own', want }
  })
  const big = { id: 'big', value: { v: exactJson('9007199254740993') }, want: '9007199254740993' }
  const deep = JSON.stringify(nested(400))
  return [...parsed, big, { id: 'deep', value: { v: JSON.parse(deep) }, want: deep }]
}

/** Records that no destination takes. */
export function unwritableRecords(): Row[] {
  const names = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, i]))
  return [
    { id: 'too-deep', value: nested(600) },
    { id: 'much-too-deep', value: nested(20_000) },
    { id: 'too-many-names', value: names },
    { id: 'too-large', value: 'é'.repeat(9 * 1024 * 1024) },
    { id: 'same-names', value: { 'a\0': 1, 'a\ufffd': 2 } },
    'text' as unknown as Row,
    null as unknown as Row,
    [] as unknown as Row,
  ]
}

/** JSON.parse that keeps integers which a double can't hold as their text. */
export function exactParse(text: string): unknown {
  return JSON.parse(text, (_, value, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && Number.isInteger(value)
      ? exactJson(context?.source ?? String(value))
      : value,
  )
}

/** Whether a hostile record came back as it must; rows are read back with `exactParse`. */
export function keptItsValue(row: Row): boolean {
  const value = (row.value as Row | undefined)?.v
  return canonicalJson(value) === canonicalJson(exactParse(String(row.want)))
}
