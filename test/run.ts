/**
 * `npm test [-- files…]`: finds or installs the real services that tests run against, builds the executable when it is
 * older than its sources, runs the tests with tap, and ends with one line: `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { debianPackages, findService, inCi, type Service, services } from './support/services.ts'
import { readTapSummary, slowestFiles, type TapSummary } from './support/tap-summary.ts'
import { tempDir } from './support/temp-dir.ts'

const root = join(import.meta.dirname, '..')
const installMs = 10 * 60_000
const buildMs = 5 * 60_000
/** The whole suite; single files have tap's own bound (.taprc). */
const testsMs = 20 * 60_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

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

function runTests(files: string[]): TapSummary {
  using folder = tempDir('tap')
  const output = join(folder.path, 'results.tap')
  const reporter = process.stdout.isTTY ? 'terse' : 'min'
  const tap = join(root, 'node_modules', '.bin', 'tap')
  const code = run(tap, [`--reporter=${reporter}`, `--output-file=${output}`, ...files], testsMs)
  const text = existsSync(output) ? readFileSync(output, 'utf8') : ''
  for (const line of slowestFiles(text)) say(line)
  const counts = readTapSummary(text)
  // tap's verdict counts also where no assertion failed: a crash, a leak, a file without tests.
  return counts.failed === 0 && code !== 0 ? { ...counts, failed: 1 } : counts
}

function main(files: string[]): number {
  const problems: string[] = []
  if (!prepareServices()) problems.push('a service is missing')
  const built = run(process.execPath, ['runtime/binary/build.ts', '--if-missing'], buildMs)
  if (built !== 0) problems.push('the executable could not be built')
  const { passed, failed, skipped } = runTests(files)
  for (const problem of problems) say(`FAILED: ${problem}`)
  const allFailed = failed + problems.length
  say(`${passed} passed, ${allFailed} failed, ${skipped} skipped`)
  return allFailed > 0 || passed === 0 ? 1 : 0
}

/** tap takes every file of a folder for a test; we mean the tests in it. */
function testFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(path, file))
}

process.exitCode = main(process.argv.slice(2).flatMap(testFiles))
