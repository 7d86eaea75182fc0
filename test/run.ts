/**
 * `npm test [-- files…]`: finds or installs the real services that tests run against, builds the executable when it is
 * older than its sources, runs the tests, and ends with one line: `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { builtMark } from './support/derrick.ts'
import { longestFirst } from './support/long-files.ts'
import { sharedFolder } from './support/postgres.ts'
import { debianPackages, findService, inCi, type Service, services } from './support/services.ts'
import { tempDir } from './support/temp-dir.ts'
import { type Counts, type EndedFile, runTestFiles } from './support/test-files.ts'

const root = join(import.meta.dirname, '..')
const installMs = 10 * 60_000
const buildMs = 5 * 60_000
/** The whole suite. */
const testsMs = 20 * 60_000
const fileMs = 120_000
/** Two a core: many files wait for clocks and other programs part of their time. */
const jobs = 2 * availableParallelism()
const filesPerLine = 25
const mostShown = 8

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const secondsText = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Runs a program with our stdout and stderr; its exit code, or 1 when a signal or the bound ended it. */
function run(command: string, args: string[], timeout: number): number {
  const ended = spawnSync(command, args, { cwd: root, stdio: 'inherit', timeout })
  if (ended.error) say(`${command}: ${ended.error.message}`)
  return ended.status ?? 1
}

/** Installs Debian's packages when that is possible. What is still missing afterwards is named by the caller. */
function install(missing: Service[]): void {
  const root = process.getuid?.() === 0
  if (!root || spawnSync('apt-get', ['--version']).status !== 0) {
    say('nothing is installed: that needs root and apt-get')
    return
  }
  const packages = missing.map((service) => debianPackages[service])
  say(`installing ${packages.join(' ')} by apt-get`)
  run('apt-get', ['update', '-qq'], installMs)
  const quiet = ['-o', 'Dpkg::Use-Pty=0', '--no-install-recommends']
  run('apt-get', ['install', '-qq', '-y', ...quiet, ...packages], installMs)
}

/** True when tests may run: outside CI missing services only mean skipped tests. */
function prepareServices(): boolean {
  const missing = () => services.filter((service) => !findService(service))
  if (missing().length > 0) {
    say(`missing: ${missing().join(', ')}`)
    install(missing())
  }
  for (const service of services) say(`${service.padEnd(9)} ${findService(service) ?? 'MISSING'}`)
  if (missing().length === 0) return true
  if (inCi()) say('CI=true: a missing service is a failure')
  else say(`TESTS THAT NEED ${missing().join(', ').toUpperCase()} ARE SKIPPED`)
  return !inCi()
}

/** What failed is shown as it is, what passed is only counted. */
async function runTests(files: string[], env: Record<string, string>): Promise<Counts> {
  using folder = tempDir('tests', { open: true })
  const ended: EndedFile[] = []
  const beganAt = performance.now()
  const onEnd = (file: EndedFile): void => {
    ended.push(file)
    if (!file.ok) say(`\nFAILED: ${file.name}\n${file.tap}`)
    if (ended.length % filesPerLine === 0) say(`${ended.length} of ${files.length} files`)
  }
  const bounds = { jobs, fileMs, allMs: testsMs, cache: join(folder.path, 'compiled') }
  const counts = await runTestFiles(files, {
    ...bounds,
    env: { ...env, [sharedFolder]: folder.path },
    onEnd,
  })
  say(`${secondsText(performance.now() - beganAt)} for ${ended.length} files; the longest:`)
  const longest = ended.toSorted((a, b) => b.ms - a.ms).slice(0, mostShown)
  for (const { ms, name } of longest) say(`${secondsText(ms).padStart(8)}  ${name}`)
  return counts
}

async function main(paths: string[]): Promise<number> {
  const problems: string[] = []
  if (!prepareServices()) problems.push('a service is missing')
  const built = run(process.execPath, ['runtime/binary/build.ts', '--if-missing'], buildMs)
  if (built !== 0) problems.push('the executable could not be built')
  const files = (paths.length > 0 ? paths : ['test']).flatMap(testFiles)
  const { passed, failed, skipped } = await runTests(
    longestFirst(files),
    built === 0 ? { [builtMark]: '1' } : {},
  )
  for (const problem of problems) say(`FAILED: ${problem}`)
  const allFailed = failed + problems.length
  say(`${passed} passed, ${allFailed} failed, ${skipped} skipped`)
  return allFailed > 0 || passed === 0 ? 1 : 0
}

/** A folder stands for the tests in it. */
function testFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(path, file))
    .sort()
}

// tap takes whatever loads it for a test, with 30 s of time.
t.setTimeout(0)
process.exitCode = await main(process.argv.slice(2))
