import fc from 'fast-check'
import t from 'tap'
import Value from 'typebox/value'
import { parse, stringify } from 'yaml'
import { streamCapabilities } from '../../../schema/manifest/capabilities.ts'
import { ManifestIssue } from '../../../schema/manifest/issue.ts'
import { loadManifest } from '../../../schema/manifest/load.ts'
import { Manifest } from '../../../schema/manifest/manifest.ts'
import { fixtureText } from './support.ts'

const names = ['storefront', 'storefront_graphql', 'newsletter']

/** Whatever the file: a manifest that is what its type says, or at least one error; every issue has its place. */
function judge(text: string): 'loaded' | 'refused' {
  const { manifest, issues } = loadManifest(text, 'mutant.yaml')
  const lines = text.split('\n').length
  for (const issue of issues) {
    if (!Value.Check(ManifestIssue, issue)) throw new Error(JSON.stringify(issue))
    if (issue.line > lines + 1 || issue.remedy === '') throw new Error(JSON.stringify(issue))
  }
  const hasError = issues.some((issue) => issue.severity === 'error')
  if (hasError === (manifest !== undefined)) throw new Error(`both or neither: ${text}`)
  if (!manifest) return 'refused'
  if (!Value.Check(Manifest, manifest)) {
    throw new Error(JSON.stringify([...Value.Errors(Manifest, manifest)].slice(0, 3)))
  }
  for (const name of Object.keys(manifest.streams)) streamCapabilities(manifest, name)
  return 'loaded'
}

t.test('edits of the text', (t) => {
  const seen = { loaded: 0, refused: 0 }
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.array(
        fc.record({
          at: fc.double({ min: 0, max: 1, noNaN: true }),
          cut: fc.nat(12),
          put: fc.oneof(
            fc.constantFrom(
              '',
              ' ',
              '\n',
              ': ',
              '{{',
              '}}',
              '- ',
              '"',
              '[',
              '}',
              '#',
              '&a ',
              '*a',
              'null',
            ),
            fc.string({ unit: 'binary', maxLength: 5 }),
          ),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      (name, edits) => {
        let text = fixtureText(name)
        for (const { at, cut, put } of edits) {
          const start = Math.floor(at * text.length)
          text = text.slice(0, start) + put + text.slice(start + cut)
        }
        seen[judge(text)] += 1
      },
    ),
    { numRuns: 500 },
  )
  t.ok(seen.loaded > 10 && seen.refused > 100, JSON.stringify(seen))
  t.end()
})

interface Step {
  holder: Record<string, unknown>
  key: string
}

/** Every place of a value that could be changed. */
function steps(value: unknown, found: Step[] = []): Step[] {
  if (typeof value !== 'object' || value === null) return found
  for (const key of Object.keys(value)) {
    found.push({ holder: value as Record<string, unknown>, key })
    steps((value as Record<string, unknown>)[key], found)
  }
  return found
}

t.test('edits of the values', (t) => {
  const seen = { loaded: 0, refused: 0 }
  const odd = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      0,
      -1,
      1e21,
      '',
      'x',
      '{{ config.x }}',
      '{{',
      '0',
      '1d',
      [],
      {},
      [[]],
    ),
    fc.constantFrom<unknown>({ type: 'none' }, { type: 'cursor' }, [{}], { a: 1 }, ['a'], {
      '': '',
    }),
    fc.json({ maxDepth: 2 }).map((text) => JSON.parse(text.replaceAll('__proto__', 'proto'))),
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.array(fc.record({ at: fc.nat(), value: odd, act: fc.nat(2) }), {
        minLength: 1,
        maxLength: 2,
      }),
      (name, edits) => {
        const file = parse(fixtureText(name))
        for (const { at, value: given, act } of edits) {
          // Its own: one value in two places would be a file that goes round in circles, and go on into the next case.
          const value = structuredClone(given)
          const places = steps(file)
          const place = places[at % places.length]
          if (!place) continue
          if (act === 0) place.holder[place.key] = value
          else if (act === 1 && !Array.isArray(place.holder)) delete place.holder[place.key]
          else if (!Array.isArray(place.holder)) place.holder[`${place.key}x`] = value
        }
        seen[judge(stringify(file, { aliasDuplicateObjects: false }))] += 1
      },
    ),
    { numRuns: 500 },
  )
  t.ok(seen.loaded > 10 && seen.refused > 100, JSON.stringify(seen))
  t.end()
})

t.test('any text', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
      t.equal(judge(text), 'refused')
    }),
    { numRuns: 300 },
  )
  t.end()
})

t.test('deep and wide files are refused, not followed', (t) => {
  const deep = '['.repeat(10_000)
  for (const text of [
    deep,
    deep + ']'.repeat(10_000),
    '- '.repeat(5_000),
    `${'a: {'.repeat(3_000)}`,
    '? '.repeat(3_000),
  ]) {
    t.equal(judge(text), 'refused')
  }
  const wide = Array.from({ length: 501 }, (_, n) => `  s${n}: {}`).join('\n')
  t.equal(
    judge(
      `derrick: 1\nid: shop\nversion: 1.0.0\napi: {base_url: "https://a.b"}\nstreams:\n${wide}`,
    ),
    'refused',
  )
  t.end()
})
