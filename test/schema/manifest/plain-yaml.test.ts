import { readdirSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { stringify } from 'yaml'
import { readByLibrary } from '../../../schema/manifest/document.ts'
import { readPlainYaml } from '../../../schema/manifest/plain-yaml.ts'

t.setTimeout(600_000)
/** times as many cases, for whoever changes the reader */
const effort = Number(process.env.DERRICK_TEST_EFFORT ?? 1)

const builtIn = new URL('../../../manifests/', import.meta.url)
const fixtures = new URL('./fixtures/', import.meta.url)
const texts = [builtIn, fixtures].flatMap((folder) =>
  readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8')),
)

/** The library's reading is the one that counts. */
function agrees(text: string): 'read' | 'left' {
  const found = readPlainYaml(text)
  if (!found) return 'left'
  const { value, problems } = readByLibrary(text)
  if (problems.length > 0) throw new Error(`${JSON.stringify(problems)} in ${JSON.stringify(text)}`)
  const inOrder = JSON.stringify(found.value) === JSON.stringify(value)
  if (!inOrder || !isDeepStrictEqual(found.value, value))
    throw new Error(`${JSON.stringify(found.value)} is not ${JSON.stringify(value)}: ${text}`)
  return 'read'
}

t.test('all our own manifests are read, and as the library reads them', (t) => {
  for (const text of texts) t.equal(agrees(text), 'read', text.slice(0, 60))
  t.end()
})

/** What may come together in a file, with all that is special in it. */
const pieces = [
  ...[
    'a',
    'b: ',
    'key: 1',
    '- ',
    '-',
    ': ',
    ':',
    '\n',
    '\n',
    '\n  ',
    '\n    ',
    ' ',
    '  ',
    ' #',
    '# c',
    '{',
    '}',
    '[',
    ']',
    ', ',
  ],
  ...[
    '"a b"',
    "'it''s'",
    '"\\n"',
    '"',
    "'",
    '|',
    '>',
    '|-',
    '>-',
    '\n\n',
    '? ',
    '&a ',
    '*a',
    '!t ',
    '---',
    '...',
    '%',
    '@',
    '`',
  ],
  ...[
    '1',
    '0x1f',
    '0o7',
    '1e3',
    '-1.50',
    '+1',
    '.5',
    '-0',
    '~',
    'null',
    'True',
    'false',
    '.inf',
    '30s',
    '2026-10-01',
    'https://a.b/c?d',
  ],
  ...[
    '{a: 1, b: [x, y]}',
    '{{ config.x }}',
    "'{{ each.id }}'",
    'name: ',
    'x: {y: z}',
    '"q": ',
    '1: ',
    'a b: ',
    'é',
    '^a',
    '\\d+',
  ],
]
const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((found) => found.join(''))

t.test('whatever is put together, the library reads the same, or it is left to it', (t) => {
  const seen = { read: 0, left: 0 }
  fc.assert(
    fc.property(soup, (text) => {
      seen[agrees(text)] += 1
    }),
    { numRuns: 20_000 * effort },
  )
  t.comment(JSON.stringify(seen))
  t.ok(seen.read > 200, JSON.stringify(seen))
  t.end()
})

t.test('edits of real manifests', (t) => {
  const seen = { read: 0, left: 0 }
  const edit = fc.oneof(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(4),
      put: fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 3 })),
    }),
    // Nothing, a space or a letter more or less: most of these are still YAML.
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(1),
      put: fc.constantFrom('', ' ', 'a', '0', '\n', '#', ','),
    }),
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...texts.filter(({ length }) => length < 5_000)),
      fc.array(edit, { minLength: 1, maxLength: 2 }),
      (whole, edits) => {
        let text = whole
        for (const { at, cut, put } of edits) {
          const start = Math.floor(at * text.length)
          text = text.slice(0, start) + put + text.slice(start + cut)
        }
        seen[agrees(text)] += 1
      },
    ),
    { numRuns: 1_500 * effort },
  )
  t.comment(JSON.stringify(seen))
  t.ok(seen.read > 200, JSON.stringify(seen))
  t.end()
})

const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
      fc.constantFrom(...pieces),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(fc.stringMatching(/^[a-z_]{1,6}$/), fc.constantFrom(...pieces)),
      tie('value'),
      { maxKeys: 4 },
    ),
  ),
})).value

t.test('what the library writes is read back', (t) => {
  const seen = { read: 0, left: 0 }
  const styles = fc.record({
    indent: fc.constantFrom(2, 3, 4),
    indentSeq: fc.boolean(),
    lineWidth: fc.constantFrom(0, 40),
    collectionStyle: fc.constantFrom('any' as const, 'block' as const, 'flow' as const),
  })
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z_]{1,6}$/), tree, { minKeys: 1, maxKeys: 4 }),
      styles,
      (value, style) => {
        seen[agrees(stringify(value, style))] += 1
      },
    ),
    { numRuns: 3_000 * effort },
  )
  t.comment(JSON.stringify(seen))
  t.ok(seen.read > 300, JSON.stringify(seen))
  t.end()
})
