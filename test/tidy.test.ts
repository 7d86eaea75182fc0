/**
 * The house rules that no tool checks, and the important ones of the linter once more: a tool that looked
 * at nothing reports no errors either.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadManifest } from '../schema/manifest/load.ts'
import {
  functionLengths,
  importsOf,
  reachedFrom,
  resolveImport,
  type SourceFile,
  sourceFiles,
  textFiles,
} from './support/source-tree.ts'

const root = join(import.meta.dirname, '..')
const files = sourceFiles(root)
const folderOf = (path: string): string => path.split('/')[0] ?? ''
const product = files.filter(({ path }) => /^(schema|runtime|actors|web)\//.test(path))
const maxFileLines = 400
/** The linter stops at 70 and does not count the inner lines of template texts; this is the net below it. */
const maxFunctionLines = 85
/** Markup and scenes of a test take lines that hold no decisions; the linter has the last word on those. */
const maxLongLines = 100

const layers: Record<string, { folders: string[]; packages?: RegExp; nodeModules: boolean }> = {
  schema: { folders: ['schema'], packages: /^(typebox|yaml|re2js)(\/|$)/, nodeModules: false },
  actors: { folders: ['actors', 'schema', 'manifests'], nodeModules: true },
  runtime: { folders: ['runtime', 'schema', 'manifests'], nodeModules: true },
  web: {
    folders: ['web', 'schema'],
    packages: /^(@?solidjs|solid-js|typebox|croner)(\/|$)/,
    nodeModules: false,
  },
}
/** The build scripts of the console and its bundler run in Node. */
const buildScripts = new Set(['web/vite.config.ts'])

/** Why the import is against the layers; undefined when it is fine. */
function wrongImport(from: string, specifier: string): string | undefined {
  const layer = layers[folderOf(from)]
  if (!layer || buildScripts.has(from)) return undefined
  if (!specifier.startsWith('.')) {
    const isNode = specifier.startsWith('node:')
    if (isNode && layer.nodeModules) return undefined
    if (!isNode && (layer.packages?.test(specifier) ?? true)) return wrongPackage(from, specifier)
    return `${folderOf(from)} may not load ${specifier}`
  }
  const target = resolveImport(root, from, specifier)
  if (target === undefined) return 'nothing is there'
  // The bundle of workers holds Piscina's own worker script.
  if (target === 'node_modules/piscina/dist/worker.js') return undefined
  if (!layer.folders.includes(folderOf(target))) return `${folderOf(from)} may not load ${target}`
  return wrongNeighbour(from, target)
}

/** SQLite has one owner. */
function wrongPackage(from: string, specifier: string): string | undefined {
  const owner = /^runtime\/(store|binary)\//.test(from)
  return specifier === 'better-sqlite3' && !owner ? 'SQL lives in runtime/store' : undefined
}

function wrongNeighbour(from: string, target: string): string | undefined {
  const kind = (path: string) => path.match(/^actors\/destinations\/([^/]+)\//)?.[1]
  if (kind(from) && kind(target) && kind(from) !== kind(target)) {
    return 'destinations do not load each other'
  }
  if (from.startsWith('runtime/store/') && /^runtime\/(api|engine|cli)\//.test(target)) {
    return 'the store is below the engine and the API'
  }
  return undefined
}

const violations = ({ path, imports }: SourceFile): string[] =>
  imports.flatMap((specifier) => {
    const why = wrongImport(path, specifier)
    return why === undefined ? [] : [`${path}: ${specifier}: ${why}`]
  })

t.test('the scanner sees the tree', async (t) => {
  for (const [folder, least] of Object.entries({ schema: 20, runtime: 20, actors: 20, web: 10 })) {
    const own = files.filter(({ path }) => folderOf(path) === folder)
    t.ok(own.length >= least, `${folder} has ${own.length} files`)
    t.ok(own.flatMap(({ imports }) => imports).length > least, `${folder} imports something`)
  }
})

t.test('the scanner knows each form of import', async (t) => {
  const forms = [
    `import a from './a.ts'`,
    `import type { B } from './b.ts'`,
    `import {\n  c,\n  d,\n} from './c.ts'`,
    `import './d.css'`,
    `const e = await import('./e.ts')`,
    `export { f } from './f.ts'`,
    `new Worker(new URL('./g.ts', import.meta.url))`,
  ]
  t.same(
    forms.flatMap(importsOf).map((path) => path[2]),
    ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
  )
})

t.test('a wrong import is seen', async (t) => {
  const wrong = [
    ['schema/range.ts', '../runtime/main.ts'],
    ['schema/range.ts', 'node:fs'],
    ['schema/range.ts', 'pg'],
    ['actors/sync-range.ts', '../runtime/main.ts'],
    ['actors/sync-range.ts', 'better-sqlite3'],
    ['runtime/main.ts', '../actors/sync-range.ts'],
    ['runtime/engine/engine.ts', 'better-sqlite3'],
    ['runtime/store/ranges.ts', '../engine/engine.ts'],
    ['web/main.tsx', '../runtime/main.ts'],
    ['web/main.tsx', 'node:fs'],
    ['actors/destinations/postgres/writer.ts', '../local-file/encoder.ts'],
  ] as const
  for (const [from, specifier] of wrong) t.ok(wrongImport(from, specifier), `${from} ${specifier}`)
  t.notOk(wrongImport('actors/sync-range.ts', '../schema/range.ts'))
  t.notOk(wrongImport('runtime/store/ranges.ts', 'better-sqlite3'))
})

t.test('imports follow the layers', async (t) => {
  t.same(product.flatMap(violations), [])
})

t.test('a console view renders, logic stands beside it in .ts', async (t) => {
  const untestable = files.filter(({ path, imports }) =>
    path.endsWith('.ts') ? imports.some((specifier) => specifier.endsWith('.tsx')) : false,
  )
  t.same(
    untestable.map(({ path }) => path),
    [],
    'no .ts file loads a .tsx file',
  )
})

t.test('files and functions stay short', async (t) => {
  const long = files.flatMap(({ path, text }) => {
    const count = text.split('\n').length - 1
    const most = path.endsWith('.tsx') || path.startsWith('test/') ? maxLongLines : maxFunctionLines
    const functions = functionLengths(text).filter(({ lines }) => lines > most)
    const tooLong = functions.map(({ line, lines }) => `${path}:${line} has ${lines} lines`)
    return count > maxFileLines ? [...tooLong, `${path} has ${count} lines`] : tooLong
  })
  t.same(long, [])
  const body = '  x()\n'.repeat(maxFunctionLines + 1)
  t.same(functionLengths(`function f(): void {\n${body}}\n`), [
    { line: 1, lines: maxFunctionLines + 1 },
  ])
  t.ok(files.flatMap(({ text }) => functionLengths(text)).length > 300, 'functions are found')
})

// Written in parts, so that this file is held to its own rules.
const forbidden: { name: string; pattern: RegExp; allowed?: RegExp }[] = [
  // Tests hold small programs as text; the linter still looks at their own code.
  { name: 'console', pattern: /\bconsole\.(log|info|debug|warn|error)\(/, allowed: /^test\// },
  { name: 'any', pattern: /^(?!\s*(\/\/|\/?\*)).*(\bas any\b|<any>|\bany\[\])/ },
  {
    name: 'unfinished',
    pattern: new RegExp(`\\b(${'TO'}${'DO'}|${'FIX'}${'ME'}|${'XX'}${'X'})\\b`),
  },
  { name: 'unchecked', pattern: /@ts-(ignore|nocheck|expect-error)\b/ },
  { name: 'focus or skip', pattern: /\bt\.(only|skip|todo)\(|\b(only|skip|todo): true\b/ },
  { name: 'unexplained exception', pattern: /biome-ignore(?! lint\/[\w/]+: \S+ \S+)/ },
  {
    name: 'environment',
    pattern: /\bprocess\.env\b/,
    allowed: /^(runtime\/main\.ts|runtime\/binary\/|web\/vite\.config\.ts|test\/|bench\/)/,
  },
]

t.test('no forbidden words', async (t) => {
  const found = files.flatMap(({ path, text }) =>
    path === 'test/tidy.test.ts' ? [] : forbiddenIn(path, text),
  )
  t.same(found, [])
  t.same(forbiddenIn('a.ts', 'const x = y as any // any text'), ['a.ts:1: any'])
})

function forbiddenIn(path: string, text: string): string[] {
  const lines = text.split('\n')
  return forbidden
    .filter(({ allowed }) => !allowed?.test(path))
    .flatMap(({ name, pattern }) =>
      lines.flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${name}`] : [])),
    )
}

t.test('nothing speaks of the machine it was written on', async (t) => {
  const machine = /(^|[\s"'`(=])\/(work|root)\//
  const temporary = /(^|[\s"'`(=])\/tmp\/\w/
  const speaks = (path: string, line: string): boolean =>
    // Tests may name folders that nobody has.
    machine.test(line) || (temporary.test(line) && !path.startsWith('test/'))
  const found = textFiles(root).flatMap((path) =>
    readFileSync(join(root, path), 'utf8')
      .split('\n')
      .flatMap((line, at) => (speaks(path, line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  )
  t.same(found, [])
  t.match(` ${'/work'}/main`, machine)
})

t.test('migrations are numbered without a gap', async (t) => {
  const names = readdirSync(join(root, 'schema/migrations')).filter((name) => name.endsWith('.sql'))
  t.ok(names.length > 0)
  names.sort().forEach((name, at) => {
    t.match(name, new RegExp(`^${String(at + 1).padStart(4, '0')}_[a-z0-9_]+\\.sql$`))
  })
})

t.test('every manifest loads without an error', async (t) => {
  const names = readdirSync(join(root, 'manifests')).filter((name) => /\.ya?ml$/.test(name))
  t.ok(names.length > 0)
  for (const name of names) {
    const { manifest, issues } = loadManifest(
      readFileSync(join(root, 'manifests', name), 'utf8'),
      name,
    )
    t.same(
      issues.filter(({ severity }) => severity === 'error'),
      [],
      name,
    )
    t.equal(manifest?.id, name.replace(/\.ya?ml$/, ''), `${name} is named by its id`)
  }
})

/** Where threads, commands, pages and programs begin. */
function entries(): string[] {
  const fixed = [
    'runtime/main.ts',
    'runtime/binary/boot-entry.ts',
    'runtime/binary/main-entry.ts',
    'runtime/binary/warm-entry.ts',
    'runtime/binary/build.ts',
    'actors/worker-entry.ts',
    'actors/sync-actor.ts',
    'actors/simulator/simulator-process.ts',
    // The judge of tests and benchmarks; it stands beside the records that it judges.
    'actors/simulator/oracle.ts',
    'web/vite.config.ts',
    ...pageScripts(),
  ]
  return fixed.filter((path) => existsSync(join(root, path)))
}

/** The scripts that index.html starts; a folder is served from its own root. */
function pageScripts(): string[] {
  const html = readFileSync(join(root, 'web/index.html'), 'utf8')
  return [...html.matchAll(/src="\/?([^"]+\.tsx?)"/g)].map(([, path]) => join('web', path ?? ''))
}

t.test('every source file is reached from an entry', async (t) => {
  t.ok(pageScripts().length > 0, 'index.html starts a script')
  const reached = reachedFrom(root, files, entries())
  t.same(
    product.map(({ path }) => path).filter((path) => !reached.has(path) && !path.endsWith('.d.ts')),
    [],
  )
})
