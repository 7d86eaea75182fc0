import { mkdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type AssetFiles, assetBytes, dataAssets, webAssets } from './assets.ts'
import { withBuildLock } from './build-lock.ts'
import { sourceRoot as root } from './embedded.ts'
import { workerAsset } from './embedded-worker.ts'
import { baseBinary, buildExecutable, sqliteAddon } from './executable.ts'
import { isFresh } from './freshness.ts'
import { sqliteAsset } from './native.ts'

const dist = join(root, 'dist')
const work = join(dist, 'build')
/** Another build that runs longer than this hangs. */
const longestBuildMs = 300_000
const mainBundle = 'main.cjs'
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

async function buildBundles(): Promise<string> {
  const { bundle } = await import('./bundle.ts')
  const main = join(work, mainBundle)
  const worker = join(work, workerAsset)
  await bundle(join(root, 'runtime', 'binary', 'main-entry.ts'), main)
  await bundle(join(root, 'actors', 'worker-entry.ts'), worker)
  return `main ${sizeOf(main)}, worker ${sizeOf(worker)}`
}

async function build(onlyStale: boolean): Promise<void> {
  if (onlyStale && isFresh(output, programInputs)) return
  const startedAt = new Date()
  mkdirSync(work, { recursive: true })
  const consoleIsFresh = isFresh(join(dist, 'web', 'index.html'), consoleInputs)
  if (!(onlyStale && consoleIsFresh)) await step('console', buildConsole)
  await step('bundles', buildBundles)

  const assets: AssetFiles = {
    ...dataAssets(root),
    [workerAsset]: join(work, workerAsset),
    [sqliteAsset]: sqliteAddon(root),
  }
  await step('assets', () => {
    Object.assign(assets, webAssets(root, join(work, 'web')))
    return `${Object.keys(assets).length} files, ${megabytes(assetBytes(assets))}`
  })

  let base = process.execPath
  await step('base', () => {
    const found = baseBinary(work)
    base = found.file
    const note = found.stripped ? '' : ', not stripped: install binutils for a smaller file'
    return `Node ${process.version}, ${sizeOf(base)}${note}`
  })
  await step('executable', () => {
    buildExecutable({ base, main: mainBundle, assets, folder: work, output })
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
