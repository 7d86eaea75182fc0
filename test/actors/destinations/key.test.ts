import fc from 'fast-check'
import t from 'tap'
import { keyPaths, keyText } from '../../../actors/destinations/key.ts'
import { fieldPath, valueAt } from '../../../actors/destinations/path.ts'
import { exactJson } from '../../../actors/destinations/raw-json.ts'
import type { Row } from '../../../actors/destinations/writer.ts'

const key = (record: Row, ...names: string[]): string | null => keyText(record, keyPaths(names))

t.test('a path finds own fields only, the field with dots first', async (t) => {
  const record = JSON.parse(
    '{"a":{"b":1,"c":null},"a.b":2,"l":[{"x":7}],"__proto__":{"p":3}}',
  ) as Row
  t.equal(valueAt(record, fieldPath('a.b')), 2)
  t.equal(valueAt(record, fieldPath('a.c')), null)
  t.equal(valueAt(record, fieldPath('l.0.x')), 7)
  t.equal(valueAt(record, fieldPath('__proto__.p')), 3)
  for (const none of [
    'constructor',
    'constructor.name',
    'a.b.c',
    'toString',
    'z.z',
    '__proto__.q',
  ]) {
    t.equal(valueAt(record, fieldPath(none)), undefined, none)
  }
})

t.test('keys differ when their values do', async (t) => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  fc.assert(
    fc.property(fc.tuple(value, value), fc.tuple(value, value), (a, b) => {
      const texts = [a, b].map(([x, y]) => key({ x, y }, 'x', 'y'))
      const equal = JSON.stringify(a) === JSON.stringify(b)
      return equal === (texts[0] === texts[1])
    }),
  )
  t.not(key({ id: 1 }, 'id'), key({ id: '1' }, 'id'))
  t.not(key({ x: 'a,b', y: 'c' }, 'x', 'y'), key({ x: 'a', y: 'b,c' }, 'x', 'y'))
  t.equal(key({ id: exactJson('9007199254740993') }, 'id'), '9007199254740993')
  t.equal(key({ id: { b: 1, a: 2 } }, 'id'), '{"a":2,"b":1}')
  t.equal(key({ id: '' }, 'id'), '""')
})

t.test('a field that is missing or null leaves no key', async (t) => {
  t.equal(key({}, 'id'), null)
  t.equal(key({ id: null }, 'id'), null)
  t.equal(key({ a: 1, b: null }, 'a', 'b'), null)
})
