import fc from 'fast-check'
import t from 'tap'
import { type ColumnPlan, planColumns } from '../../../../actors/destinations/postgres/columns.ts'
import { copyString, readCopyLine } from '../../../../actors/destinations/postgres/copy-text.ts'
import {
  columnName,
  schemaName,
  tableName,
  variantName,
} from '../../../../actors/destinations/postgres/names.ts'
import { numberText } from '../../../../actors/destinations/postgres/number-text.ts'
import { addColumns, noFields } from '../../../../actors/destinations/postgres/types.ts'
import { parseAddress } from '../../../../actors/destinations/postgres/url.ts'
import { failureCode } from '../attempts.ts'
import { clean } from './logical.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 90 })

t.test('names', async (t) => {
  t.test('usual ones stay as they are', async (t) => {
    for (const name of ['id', 'ID', 'select', 'with space', 'é', 'x'.repeat(63), 'a"b', 'pg_x']) {
      t.equal(columnName(name), name)
    }
  })
  t.test('others are cleaned, and differ from each other', async (t) => {
    const odd = [
      '',
      'ctid',
      '_derrick_range',
      '_DERRICK_x',
      'a__text',
      'x'.repeat(64),
      'nul\0',
      '\ud800',
    ]
    for (const name of odd) t.match(columnName(name), /_[0-9a-f]{6}$/, name)
    t.equal(new Set(odd.map(columnName)).size, odd.length)
    t.match(schemaName('pg_catalog'), /^xpg_catalog_/)
    t.match(schemaName('information_schema'), /^information_schema_/)
    t.match(tableName('_derrick_ranges'), /^x_derrick_ranges_/)
    t.equal(schemaName('shop'), 'shop')
  })
  t.test('any name fits, and no variant is another field’s column', async () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        for (const name of [columnName(a), variantName(a), tableName(a), schemaName(a)]) {
          if (Buffer.byteLength(name) > 63 || name === '' || name.includes('\0')) return false
          if (!name.isWellFormed()) return false
        }
        return (a === b || columnName(a) !== columnName(b)) && variantName(a) !== columnName(b)
      }),
      { numRuns: 2000 },
    )
  })
})

t.test('numbers', async (t) => {
  const cases: [string, string, string][] = [
    ['0', '0', 'bigint'],
    ['-0', '0', 'bigint'],
    ['1e3', '1000', 'bigint'],
    ['1.5e1', '15', 'bigint'],
    ['1.25e1', '12.5', 'numeric'],
    ['5e-3', '0.005', 'numeric'],
    ['-5e-324', `-0.${'0'.repeat(323)}5`, 'numeric'],
    ['9223372036854775807', '9223372036854775807', 'bigint'],
    ['9223372036854775808', '9223372036854775808', 'numeric'],
    ['-9223372036854775808', '-9223372036854775808', 'bigint'],
    ['-0.0', '0.0', 'numeric'],
  ]
  for (const [source, text, type] of cases) t.strictSame(numberText(source), { text, type }, source)
  t.equal(numberText('1e1001'), null)
  t.equal(numberText('1'.repeat(1001)), null)
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = numberText(String(value))?.text ?? ''
      return Number(text) === value && !/[eE]/.test(text)
    }),
  )
})

t.test('COPY text comes back', async () => {
  fc.assert(
    fc.property(fc.array(fc.option(anyText), { minLength: 1 }), (cells) => {
      const counts = { sanitised: 0 }
      const line = cells
        .map((cell) => (cell === null ? '\\N' : copyString(cell, counts)))
        .join('\t')
      const back = readCopyLine(line)
      const want = cells.map((cell) => (cell === null ? null : clean(cell)))
      return !line.includes('\n') && JSON.stringify(back) === JSON.stringify(want)
    }),
    { numRuns: 1000 },
  )
})

const laneTypes = ['bigint', 'numeric', 'text', 'boolean', 'jsonb'] as const
const seenPage = fc.array(
  fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), type: fc.constantFrom(...laneTypes) }),
)

t.test('columns', async (t) => {
  const own = [
    { name: '_derrick_range', type: 'timestamptz' },
    { name: '_derrick_synced_at', type: 'timestamptz' },
  ]
  const plan = (
    pages: { name: string; type: string }[][],
    fixed = new Set<string>(),
  ): ColumnPlan => {
    const seen = noFields()
    for (const page of pages) addColumns(seen, [...own, ...page], true)
    return planColumns({ seen, table: [], keyFields: ['a'], fixed })
  }
  t.test('the order of pages does not matter', async () => {
    fc.assert(
      fc.property(fc.array(seenPage), (pages) => {
        const there = plan(pages)
        const back = plan(pages.toReversed().map((page) => page.toReversed()))
        return JSON.stringify(there) === JSON.stringify(back)
      }),
    )
  })
  t.test('every kind of value that was seen has a place', async () => {
    fc.assert(
      fc.property(seenPage, seenPage, (first, second) => {
        const seen = noFields()
        addColumns(seen, [...own, ...first], true)
        const before = planColumns({ seen, table: [], keyFields: [], fixed: new Set() })
        const table = before.create.map(({ name, type }) => ({
          name,
          type: type as (typeof laneTypes)[number],
          isOurs: true,
        }))
        const later = noFields()
        addColumns(later, [...own, ...second], true)
        const after = planColumns({ seen: later, table, keyFields: [], fixed: new Set(['b']) })
        const placed = [...after.assignments.flatMap(({ parts }) => parts), ...after.extra]
        return second.every(({ name, type }) =>
          placed.some(
            (part) => part.field === name && (part.laneType === type || type === 'bigint'),
          ),
        )
      }),
      { numRuns: 1000 },
    )
  })
  t.test('past the bound, fields go to the extra column by name', async (t) => {
    const names = Array.from({ length: 400 }, (_, i) => `f${String(i).padStart(3, '0')}`)
    const { create, extra } = plan([names.map((name) => ({ name, type: 'text' }))])
    t.equal(create.length, 251)
    t.equal(create.at(-1)?.name, '_derrick_extra')
    t.equal(extra[0]?.field, 'f250')
    t.equal(extra.length, 150)
  })
})

t.test('URLs', async (t) => {
  const url = 'postgres://us%40er:p%2Fw@db.example.com:6432/sales?sslmode=require'
  t.match(parseAddress({ url }), {
    host: 'db.example.com',
    port: 6432,
    user: 'us@er',
    password: 'p/w',
    database: 'sales',
    ssl: 'require',
  })
  t.equal(parseAddress({ url: 'postgres://u@[::1]/d', ssl: 'verify' }).host, '::1')
  t.equal(parseAddress({ url, ssl: 'disable' }).ssl, 'require', 'the stricter of two')
  for (const bad of [
    'mysql://u@h/d',
    'postgres://h/d',
    'x',
    'postgres://u@h/d?sslkey=/etc/passwd',
    'postgres://u:%zz@h/d',
  ]) {
    const code = await failureCode(Promise.try(() => parseAddress({ url: bad })))
    t.equal(code, 'postgres.url', bad)
  }
})
