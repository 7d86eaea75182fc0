import fc from 'fast-check'
import t from 'tap'
import { parseCsv } from '../../../../actors/connectors/manifest/csv.ts'
import { toFailure } from '../../../../schema/error.ts'

const codeOf = (text: string, delimiter = ','): string => {
  try {
    parseCsv(text, delimiter)
    return 'none'
  } catch (error) {
    const { category, code } = toFailure(error)
    return `${category} ${code}`
  }
}

t.test('rows as RFC 4180 has them', async (t) => {
  t.same(parseCsv('a,b\r\n1,2\r\n\r\n"x ""y""\n,z",\r\n', ','), [
    { a: '1', b: '2' },
    { a: 'x "y"\n,z', b: '' },
  ])
  t.same(
    parseCsv('\ufeffa;b\n1;2', ';'),
    [{ a: '1', b: '2' }],
    'a mark at the start, no end of line',
  )
  t.same(parseCsv('a\tb\n"1"\t"2"\n', '\t'), [{ a: '1', b: '2' }])
  t.same(parseCsv('a,b\n', ','), [], 'names and no rows')
  t.same(parseCsv('a,a,\n1,2,3,4\n5\n', ','), [
    { a: '1', a_2: '2', column_3: '3', column_4: '4' },
    { a: '5' },
  ])
  t.same(parseCsv('a\nx\ry\n', ','), [{ a: 'x\ry' }])
  t.same(Object.keys(parseCsv('__proto__,constructor\n1,2\n', ',')[0] ?? {}), [
    '__proto__',
    'constructor',
  ])
})

t.test('what is no table is a failure, never fewer rows', async (t) => {
  t.equal(codeOf(''), 'network csv.empty')
  t.equal(codeOf('\n\n'), 'network csv.empty')
  t.equal(codeOf('a,b\n1,"2'), 'network csv.cut')
  t.equal(codeOf(','.repeat(10_001)), 'transform csv.too_wide')
})

t.test('whatever is written comes back', async () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => `${text}x`)
  const written = (text: string) => `"${text.replaceAll('"', '""')}"`
  fc.assert(
    fc.property(
      fc.array(fc.tuple(value, value, value), { maxLength: 20 }),
      fc.constantFrom(',', ';', '\t', '|'),
      fc.constantFrom('\n', '\r\n'),
      (rows, delimiter, end) => {
        const lines = [['a', 'b', 'c'], ...rows.map((row) => row.map(written))]
        const text = lines.map((row) => row.join(delimiter) + end).join('')
        const wanted = rows.map(([a, b, c]) => ({ a, b, c }))
        return JSON.stringify(parseCsv(text, delimiter)) === JSON.stringify(wanted)
      },
    ),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      codeOf(text)
    }),
  )
})
