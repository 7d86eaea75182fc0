import fc from 'fast-check'
import t from 'tap'
import { compilePath, parsePath } from '../../../schema/manifest/path.ts'

const body = {
  data: {
    items: [
      { id: 1, tags: ['a'] },
      { id: 2, tags: ['b', 'c'] },
    ],
    'with.dot': 5,
  },
  map: { x: { n: 1 }, y: { n: 2 } },
}

t.test('paths', (t) => {
  const cases: [string, unknown][] = [
    ['', body],
    ['data.items[1].id', 2],
    ['data["with.dot"]', 5],
    ["data['with.dot']", 5],
    ['data.items.*.id', [1, 2]],
    ['data.items.*.tags', ['a', 'b', 'c']],
    ['map.*.n', [1, 2]],
    ['*.none', []],
    ['data.none.deeper', undefined],
    ['data.toString', undefined],
    ['__proto__', undefined],
  ]
  for (const [path, value] of cases) t.strictSame(compilePath(path)(body), value, path)
  t.end()
})

t.test('what is no path', (t) => {
  for (const odd of ['.a', 'a..b', 'a.', 'a[', 'a[x]', 'a]', `${'a.'.repeat(41)}a`]) {
    t.equal(parsePath(odd), undefined, odd)
    t.throws(() => compilePath(odd), RangeError)
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.anything(), (text, value) => {
      if (parsePath(text)) compilePath(text)(value)
    }),
  )
  t.end()
})
