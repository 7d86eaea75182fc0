import fc from 'fast-check'
import t from 'tap'
import { compileExpression } from '../../../../schema/manifest/expression/compiler.ts'
import { ExpressionError } from '../../../../schema/manifest/expression/error.ts'
import { functionNames } from '../../../../schema/manifest/expression/function-table.ts'
import { compileTemplate } from '../../../../schema/manifest/expression/template.ts'

const scope = {
  config: { a: 1, b: 'x', list: [1, 'two', null, { c: 3 }], proto: JSON.parse('{"__proto__": 1}') },
  record: { 'odd key': true, deep: { deeper: [[]] } },
  now: 1_700_000_000_000,
}
const scopes = Object.keys(scope)

const isData = (value: unknown): boolean =>
  value === null ||
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (Array.isArray(value) && value.every(isData)) ||
  (typeof value === 'object' &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).every(isData))

/** Evaluates and proves that only data comes out, or only our own error. */
function tried(run: () => unknown): 'value' | 'error' {
  try {
    const value = run()
    if (!isData(value)) throw new Error(`not data: ${String(value)}`)
    return 'value'
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return 'error'
  }
}

const pieces = fc.constantFrom(
  ...'+ - * / % < <= > >= == != && || ! ? : ?? ?. . , ( ) [ ] { } | in'.split(' '),
  ...['1', '0', '2.5', '"x"', "'y'", 'true', 'null', '"__proto__"', '"constructor"'],
  ...['config', 'record', 'now', 'a', 'b', 'list', 'deep', 'constructor', '__proto__', 'prototype'],
  ...['globalThis', 'process', 'this', 'toString', 'valueOf', 'Function', 'import', 'then'],
  ...functionNames,
)

t.test('any text', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      tried(() => compileExpression(text, scopes)(scope))
      tried(() => compileTemplate(`{{${text}}}`, scopes)(scope))
    }),
    { numRuns: 2_000 },
  )
  t.end()
})

t.test('any sequence of words of the language', (t) => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (words) => {
      tried(() => compileExpression(words.join(' '), scopes)(scope))
      tried(() => compileTemplate(`a{{ ${words.join('')} }}b`, scopes)(scope))
    }),
    { numRuns: 5_000 },
  )
  t.end()
})

/** Expressions that always parse, so that evaluation is reached. */
const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom('1', '0', '"x"', '"1h"', 'true', 'null', '[]', '{}', 'now', 'config', 'record'),
    fc.constantFrom(
      'config.a',
      'config.list',
      'record.deep',
      'config?.constructor',
      'config.proto',
    ),
    fc
      .tuple(
        tie('tree'),
        fc.constantFrom('+', '-', '*', '/', '<', '==', 'in', '??', '&&', '||'),
        tie('tree'),
      )
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    fc
      .tuple(fc.constantFrom(...functionNames), fc.array(tie('tree'), { maxLength: 3 }))
      .map(([name, args]) => `${name}(${args.join(', ')})`),
    fc.tuple(tie('tree'), tie('tree')).map(([of, key]) => `${of}?.[${key}]`),
    fc.tuple(tie('tree'), tie('tree')).map(([key, value]) => `{[${key}]: ${value}, a: [${value}]}`),
    fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
  ),
}))

t.test('well-formed expressions', (t) => {
  const seen = { value: 0, error: 0 }
  fc.assert(
    fc.property(tree, (text) => {
      seen[tried(() => compileExpression(text, scopes)(scope))] += 1
    }),
    { numRuns: 5_000 },
  )
  t.ok(seen.value > 500 && seen.error > 500, `both happen: ${JSON.stringify(seen)}`)
  t.end()
})

t.test('numbers and texts: arithmetic and order are those of the platform, never mixed', (t) => {
  const run = (text: string, a: unknown, b: unknown) =>
    compileExpression(text, ['a', 'b'])({ a, b })
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 })
  fc.assert(
    fc.property(number, number, fc.string(), fc.string(), (x, y, s, u) => {
      t.equal(run('a + b', x, y), x + y)
      t.equal(run('a < b', x, y), x < y)
      t.equal(run('a + b', s, u), s + u)
      t.equal(run('a >= b', s, u), s >= u)
      t.equal(run('a == b', x, String(x)), false)
      t.equal(run('number(string(a))', x, y), x)
      t.throws(() => run('a < b', x, s), { code: 'type' })
      t.equal(compileExpression(JSON.stringify(s), [])({}), s, 'a JSON text is a text')
    }),
    { numRuns: 300 },
  )
  t.end()
})

t.test('many are compiled and run without trouble', (t) => {
  for (let n = 0; n < 4_000; n += 1) {
    const text = `record.deep ? (config.a + ${n}) | string : "none"`
    if (compileExpression(text, scopes)(scope) !== String(1 + n)) t.fail(text)
  }
  const path = compileExpression('record.deep.deeper', scopes)
  for (let n = 0; n < 1_000_000; n += 1) path(scope)
  t.end()
})
