import fc from 'fast-check'
import t from 'tap'
import { exactJson, isExact } from '../../../../actors/destinations/raw-json.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { expectedText, logicalRows, sameJson } from './logical.ts'
import { day, Scene } from './scene.ts'

t.setTimeout(360_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

const hostileTexts = [
  '',
  '\\N',
  '\\.',
  '\t',
  'a\nb\r',
  '\0',
  '\ud800',
  '\udc00\ud800',
  '😀',
  '"',
  "'",
  '\\',
  '\\\\n',
  '{}',
  'null',
  'true',
  '12',
  '-0',
  '1e5',
  '2026-01-01T00:00:00Z',
  '\u2028',
  '\ufeff',
  '\ufffd',
  "');--",
  'x'.repeat(9000),
]
const text = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const exactNumbers = [
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '-9223372036854775809',
  '1e400',
  '1e-400',
  '-1.50000000000000000001',
  '123456789012345678901234567890.12',
  '1e20000',
  '1e200000',
  '0.000000000000000000000000000000001',
]
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 0.1, 1e21, 5e-324, 1.7976931348623157e308, 2 ** 53, -(2 ** 63)),
  fc.constantFrom(...exactNumbers).map((source) => exactJson(source)),
)
/** Node 26 reads the name `"` as `\` where an object of the same shape has that name: such names are left out. */
const name = text.filter((value) => !value.includes('\\'))
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null))
const nested = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, scalar, tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(fc.oneof(name, fc.constantFrom('__proto__', 'constructor')), tie('value'), {
    maxKeys: 4,
  }),
})).value
const fieldNames = [
  'a',
  'A',
  'b',
  'select',
  '',
  ' ',
  'ctid',
  'xmin',
  '_derrick_range',
  '_derrick_id',
  '_derrick_extra',
  'a__text',
  '__proto__',
  'constructor',
  'é'.repeat(40),
  'x'.repeat(63),
  'x'.repeat(64),
  `${'x'.repeat(63)}y`,
  'quo"te',
  "qu'ote",
  'nul\0',
  'lone\ud800',
  'new\nline',
  '😀',
  'back\\slash',
  '%s',
  '$1',
]
const record = fc.dictionary(fc.constantFrom(...fieldNames), nested, { maxKeys: 8 })

/** Two names of one object that the policy makes one are a reject; the property is about what lands. */
function hasTwins(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || isExact(value)) return false
  const names = Object.keys(value).map((name) => name.toWellFormed().replaceAll('\0', '\ufffd'))
  return new Set(names).size < names.length || Object.values(value).some(hasTwins)
}

t.test(
  'any values under any names come back as the policy says',
  { timeout: 300_000 },
  async (t) => {
    let run = 0
    let values = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(record, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (ranges, isStaged) => {
          run += 1
          const scene = await new Scene(postgres.url, `values_${run}`, { cursorField: null }).open()
          try {
            const all = new Map<string, Row>()
            for (const [n, records] of ranges.entries()) {
              const rows: Row[] = records.filter((row) => !Object.values(row).some(hasTwins))
              for (const [i, row] of rows.entries()) {
                row.id = `${n}-${i}`
                all.set(row.id as string, row)
              }
              if (isStaged) for (let i = 0; i < 501; i += 1) rows.push({ id: `filler-${n}-${i}` })
              const attempt = scene.attempt({ range: day(n) })
              await attempt.begin()
              await attempt.write(rows.slice(0, 10))
              await attempt.write(rows.slice(10))
              await attempt.commit()
              if (attempt.rejects.length > 0) throw new Error(JSON.stringify(attempt.rejects[0]))
            }
            const found = await logicalRows(scene, fieldNames)
            for (const [id, row] of all) {
              for (const name of fieldNames) {
                const value = Object.hasOwn(row, name) ? row[name] : undefined
                const want = expectedText(value)
                const have = found.get(id)?.get(name) ?? null
                values += 1
                const isJson = typeof value === 'object' && value !== null && !isExact(value)
                const same =
                  isJson && have !== null ? sameJson(have, want as string) : have === want
                if (!same)
                  throw new Error(`${id} ${JSON.stringify(name)}: ${have} instead of ${want}`)
              }
            }
          } finally {
            await scene.client.query(`drop schema "values_${run}" cascade`)
            await scene.close()
          }
        },
      ),
      { numRuns: 60, endOnFailure: true },
    )
    t.ok(values > 3000, `${values} values`)
  },
)
