import t from 'tap'
import { ExpressionError } from '../../../../schema/manifest/expression/error.ts'
import { compileTemplate, compileTree } from '../../../../schema/manifest/expression/template.ts'

const scope = { config: { n: 5, list: [1], none: null, text: 'x' } }
const fill = (text: string) => compileTemplate(text, ['config'])(scope)

t.test('one expression alone keeps its type, among other text it becomes text', (t) => {
  const cases: [string, unknown][] = [
    ['plain', 'plain'],
    ['', ''],
    ['}} and }', '}} and }'],
    ['{{ config.n }}', 5],
    ['{{config.none}}', null],
    ['{{ config.list }}', [1]],
    [' {{ config.n }}', ' 5'],
    ['{{ config.n }}{{ config.n }}', '55'],
    ['a{{ config.list }}b', 'a[1]b'],
    ['{{ {a: {b: 1}} }}', { a: { b: 1 } }],
    ['{{ {a: {b: 1}}}}', { a: { b: 1 } }],
    ['x{{ "}}" }}', 'x}}'],
    ['{{ "{{" }}', '{{'],
    ['query { a { b } } # {{ config.n }}', 'query { a { b } } # 5'],
    ['{{ config.none ?? "" }}!', '!'],
  ]
  for (const [text, value] of cases) t.strictSame(fill(text), value, text)
  t.end()
})

t.test('errors point into the whole text', (t) => {
  const cases: [string, string, number][] = [
    ['abc {{ config.n', 'syntax', 4],
    ['abc {{ }}', 'syntax', 7],
    ['abc {{ 1 + }}', 'syntax', 11],
    ['abc {{ nope }}', 'unknown_name', 7],
    ['abc {{ config.zz }}', 'missing', 13],
    ['abc {{ config.none }}', 'missing', 4],
    ['{{ 1 }} {{ 1 < "a" }}', 'type', 13],
  ]
  for (const [text, code, offset] of cases) t.throws(() => fill(text), { code, offset }, text)
  t.throws(() => fill('{{ 1 }}'.repeat(201)), ExpressionError)
  t.end()
})

t.test('trees', (t) => {
  const tree = { a: ['{{ config.n }}', { b: 'n={{ config.n }}' }], '{{ key }}': true, c: null }
  const make = compileTree(tree, ['config'])
  const made = make(scope)
  t.strictSame(made, { a: [5, { b: 'n=5' }], '{{ key }}': true, c: null })
  t.not(make(scope), made, 'a new value each time')
  let deep: unknown = 1
  for (let n = 0; n < 70; n += 1) deep = [deep]
  t.throws(() => compileTree(deep, []), { code: 'too_deep' })
  t.end()
})
