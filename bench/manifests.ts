/**
 * What manifests cost: loading them, and evaluating their expressions.
 *
 *   node bench/manifests.ts [--manifests 400] [--rounds 5]
 *
 * The built-in connectors stand for a folder of so many files; each is read and checked as the registry does it, and every
 * template in it compiled. Expressions are those that filters, keys and requests have. Prints lines and, as the last one, the
 * same as JSON: the best of the rounds, in processor time. `fixed_loop_ms` is the time of a loop that does nothing else than
 * count: where other programs slow the processor down, `load_to_fixed_loop` still compares.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parseCsv } from '../actors/connectors/manifest/csv.ts'
import { parseXml } from '../actors/connectors/manifest/xml.ts'
import { readDocument } from '../schema/manifest/document.ts'
import { compileExpression, type Scope } from '../schema/manifest/expression/compiler.ts'
import { compileTemplate } from '../schema/manifest/expression/template.ts'
import { loadManifest } from '../schema/manifest/load.ts'

const { values } = parseArgs({
  options: {
    manifests: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '5' },
  },
})
const manifests = Number(values.manifests)
const rounds = Number(values.rounds)
if (!(manifests >= 1) || !(rounds >= 1)) throw new Error('--manifests and --rounds are counts')

/** Processor time in ms. */
function measured(work: () => void): number {
  const begun = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1_000
}

/** Least processor time of the rounds in ms: what other programs take beside it does not count. */
function best(work: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) least = Math.min(least, measured(work))
  return least
}

const folder = new URL('../manifests/', import.meta.url)
const texts = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))

const compiledScopes = (
  'config source now window each page job auth token response headers status record' as const
).split(' ')

/** Every template below a value, as the reader of a stream compiles it. */
function compileAll(value: unknown): void {
  if (typeof value === 'string') {
    if (value.includes('{{')) compileTemplate(value, compiledScopes)
  } else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) compileAll(item)
  }
}

function loadAll(): void {
  for (let n = 0; n < manifests; n++) {
    const text = texts[n % texts.length] as string
    const { manifest } = loadManifest(text.replace(/^id: (.*)$/m, `id: $1_${n}`), `${n}.yaml`)
    if (!manifest) throw new Error('a built-in manifest does not load')
    compileAll(manifest)
  }
}

/** What of it is the YAML library's. */
function readAll(): void {
  for (let n = 0; n < manifests; n++) readDocument(texts[n % texts.length] as string)
}

function fixedLoop(): void {
  let sum = 0
  for (let n = 0; n < 100_000_000; n++) sum = (sum * 31 + n) | 0
  if (sum === 1) throw new Error('never so')
}

/** Before anything is warm: what a start pays. */
const firstLoadMs = Math.round(measured(loadAll))
const loadMs = best(loadAll)
const yamlMs = best(readAll)
const fixedLoopMs = best(fixedLoop)

const record = {
  id: 'ord_123',
  status: 'paid',
  amount: 120,
  customer: { address: { city: 'Oslo' } },
  tags: ['a', 'b'],
  updated_at: '2026-03-01T12:00:00Z',
}
const scope: Scope = {
  record,
  config: { shop: 'fine-goods' },
  window: { start: '2026-03-01T00:00:00Z', end: '2026-03-02T00:00:00Z' },
}
const names = ['record', 'config', 'window']
const evaluations = 1_000_000

/** Millions of evaluations a second. */
function speed(run: (scope: Scope) => unknown): number {
  const ms = best(() => {
    for (let n = 0; n < evaluations; n++) run(scope)
  })
  return Math.round(evaluations / ms / 10) / 100
}

const expressions: Record<string, string> = {
  path: 'record.customer.address.city',
  filter: 'record.status == "paid" && record.amount > 100',
  fallback: 'record?.discount ?? 0',
  choice: "record.amount > 100 ? 'large' : 'small'",
  function: 'lower(record.status)',
}
const templates: Record<string, string> = {
  'request path': '/shops/{{ config.shop }}/orders/{{ record.id }}',
  'request filter':
    'greater-or-equal(updated,{{ window.start }}),less-than(updated,{{ window.end }})',
}

const lines = Array.from({ length: 100_000 }, (_, n) => `${n},paid,"Oslo, Norway",${n * 3}`)
const table = `id,status,city,amount\n${lines.join('\n')}\n`
const elements = Array.from({ length: 100_000 }, (_, n) => `<r><id>${n}</id><city>Oslo</city></r>`)
const document = `<rows>${elements.join('')}</rows>`

const figures = {
  manifests,
  lines: Math.round((texts.join('\n').split('\n').length / texts.length) * manifests),
  first_load_ms: firstLoadMs,
  load_ms: Math.round(loadMs),
  of_that_yaml_ms: Math.round(yamlMs),
  fixed_loop_ms: Math.round(fixedLoopMs),
  load_to_fixed_loop: Math.round((loadMs / fixedLoopMs) * 100) / 100,
  expressions_million_a_second: Object.fromEntries(
    Object.entries(expressions).map(([name, text]) => [
      name,
      speed(compileExpression(text, names)),
    ]),
  ),
  templates_million_a_second: Object.fromEntries(
    Object.entries(templates).map(([name, text]) => [name, speed(compileTemplate(text, names))]),
  ),
  compile_100k_ms: Math.round(
    best(() => {
      for (let n = 0; n < 100_000; n++) compileExpression(expressions.filter as string, names)
    }),
  ),
  csv_million_rows_a_second: Math.round(1e4 / best(() => void parseCsv(table, ','))) / 100,
  xml_million_records_a_second: Math.round(1e4 / best(() => void parseXml(document, 'r'))) / 100,
}
for (const [name, figure] of Object.entries(figures))
  process.stdout.write(`${name.padEnd(32)}${JSON.stringify(figure)}\n`)
process.stdout.write(`${JSON.stringify(figures)}\n`)
