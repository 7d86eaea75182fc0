import { mkdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type AssetFiles, assetBytes, dataAssets, webAssets } from './assets.ts'
import { withBuildLock } from './build-lock.ts'
import { sourceRoot as root } from './embedded.ts'
import { baseBinary, buildExecutable, sqliteAddon } from './executable.ts'
import { isFresh } from './freshness.ts'
import { sqliteAsset } from './native.ts'

const dist = join(root, 'dist')
const work = join(dist, 'build')
/** Another build that runs longer than this hangs. */
const longestBuildMs = 300_000
const output = join(dist, 'derrick')
const packages = ['package.json', 'package-lock.json']
const consoleInputs = inCheckout(['web', 'schema', ...packages])
const programInputs = inCheckout(['runtime', 'actors', 'schema', 'web', 'manifests', ...packages])

function inCheckout(paths: string[]): string[] {
  return paths.map((path) => join(root, path))
}

/** Dates `file` at the start of its build: a source that changed meanwhile must count as newer. */
function dateAt(file: string, startedAt: Date): void {
  utimesSync(file, startedAt, startedAt)
}

/** One line a step on stderr: stdout belongs to the program that `npm start` runs next. */
async function step(name: string, run: () => Promise<string> | string): Promise<void> {
  const startedAt = performance.now()
  const result = await run()
  const took = `${Math.round(performance.now() - startedAt)} ms`
  process.stderr.write(`${name.padEnd(10)} ${took.padStart(9)}  ${result}\n`)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`
}

function sizeOf(file: string): string {
  return megabytes(statSync(file).size)
}

/** The bundler and Vite are loaded only when needed: the check of `--if-missing` stays quick. */
async function buildConsole(): Promise<string> {
  const { build } = await import('vite')
  const startedAt = new Date()
  const configFile = join(root, 'web', 'vite.config.ts')
  const checks = { bundlerTimings: false }
  await build({
    configFile,
    logLevel: 'warn',
    clearScreen: false,
    build: { rolldownOptions: { checks } },
  })
  dateAt(join(dist, 'web', 'index.html'), startedAt)
  return 'dist/web'
}

async function build(onlyStale: boolean): Promise<void> {
  if (onlyStale && isFresh(output, programInputs)) return
  const startedAt = new Date()
  mkdirSync(work, { recursive: true })
  const consoleIsFresh = isFresh(join(dist, 'web', 'index.html'), consoleInputs)
  if (!(onlyStale && consoleIsFresh)) await step('console', buildConsole)

  const assets: AssetFiles = { ...dataAssets(root), [sqliteAsset]: sqliteAddon(root) }
  let main = ''
  await step('bundles', async () => {
    const { bundleProgram } = await import('./program.ts')
    const program = await bundleProgram(root, work)
    main = program.main
    Object.assign(assets, program.assets)
    return `${Object.keys(program.assets).length} chunks, ${megabytes(assetBytes(program.assets))}`
  })
  await step('assets', () => {
    Object.assign(assets, webAssets(root, join(work, 'web')))
    return `${Object.keys(assets).length} files, ${megabytes(assetBytes(assets))}`
  })
  await step('code cache', async () => {
    const { makeCodeCaches } = await import('./code-cache.ts')
    const caches = await makeCodeCaches(root, work, assets)
    Object.assign(assets, caches)
    return `${Object.keys(caches).length} chunks, ${megabytes(assetBytes(caches))}`
  })

  let base = process.execPath
  await step('base', () => {
    const found = baseBinary(work)
    base = found.file
    const note = found.stripped ? '' : ', not stripped: install binutils for a smaller file'
    return `Node ${process.version}, ${sizeOf(base)}${note}`
  })
  await step('executable', () => {
    buildExecutable({ base, main, assets, folder: work, output })
    dateAt(output, startedAt)
    return `dist/derrick, ${sizeOf(output)}`
  })
}

const { values } = parseArgs({ options: { 'if-missing': { type: 'boolean', default: false } } })
const onlyStale = values['if-missing']
if (!(onlyStale && isFresh(output, programInputs))) {
  // Asked again inside: the build that was waited for may have been the one wanted.
  await withBuildLock(join(dist, 'build.lock'), longestBuildMs, () => build(onlyStale))
}
