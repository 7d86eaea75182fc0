import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { AssetFiles } from './assets.ts'
import { bootAsset, workerFolder } from './boot.ts'
import { bundle } from './bundle.ts'
import { codeCacheKey } from './chunks.ts'
import { execArgv } from './executable.ts'
import type { WarmPlan } from './warm-entry.ts'

/** Chunks are in the folders of their bundles. */
const chunkKeys = /^\w+\/.*\.cjs$/
const doneWithinMs = 60_000
const askEveryMs = 50
const enoughRanges = 3

/**
 * Runs the program as it will be embedded and returns V8's code caches of its chunks as assets: what
 * was compiled for a first answer and a first sync is not compiled again at each start. Chunks that
 * neither run loads have none. Rejects with the program's words when it does not come up.
 */
export async function makeCodeCaches(
  root: string,
  folder: string,
  assets: AssetFiles,
): Promise<AssetFiles> {
  const kept = join(folder, 'code-cache')
  rmSync(kept, { recursive: true, force: true })
  mkdirSync(kept, { recursive: true })
  const [script = ''] = await bundle({
    entry: join(root, 'runtime', 'binary', 'warm-entry.ts'),
    folder: join(folder, 'warm'),
    whole: true,
  })
  const program = join(folder, 'warm', script)
  const chunks = Object.keys(assets).filter((key) => chunkKeys.test(key))
  const plan: WarmPlan = {
    assets: { ...assets, [bootAsset]: program },
    caches: Object.fromEntries(
      chunks.map((key) => [key, join(kept, `${key.replaceAll('/', '-')}.cache`)]),
    ),
  }
  const home = mkdtempSync(join(tmpdir(), 'derrick-warm-'))
  try {
    const planFile = join(home, 'plan.json')
    writeFileSync(planFile, JSON.stringify(plan))
    // Two servers: its chunks as they are at a first answer (what a sync calls would only make
    // them larger), and all others as they are when a sync has completed ranges and was looked at.
    await run(program, planFile, ['serve', '--data-dir', join(home, 'serve')], isAlive)
    const synced = hasSynced(kept)
    await run(program, planFile, ['demo', '--data-dir', join(home, 'demo')], async (url) => {
      if (!(await synced(url))) return false
      await promisify(execFile)(...commandLine(program, ['status', '--url', url]), {
        env: environment(planFile),
        timeout: doneWithinMs,
      })
      return true
    })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
  const made = Object.entries(plan.caches).filter(([, file]) => existsSync(file))
  return Object.fromEntries(made.map(([key, file]) => [codeCacheKey(key), file]))
}

async function isAlive(url: string): Promise<boolean> {
  return (await fetch(`${url}/healthz`)).ok
}

/** True when ranges were completed and the workers wrote their caches once more after that. */
function hasSynced(kept: string): (url: string) => Promise<boolean> {
  let syncedAt: number | undefined
  return async (url) => {
    if (syncedAt !== undefined) return workersWroteAt(kept) > syncedAt
    const answer = await fetch(`${url}/api/v1/runs`)
    const { data } = (await answer.json()) as { data: { ranges: { complete: number } }[] }
    if (data.some((run) => run.ranges.complete >= enoughRanges)) syncedAt = Date.now()
    return false
  }
}

/** Epoch ms of the workers' youngest cache. */
function workersWroteAt(kept: string): number {
  const files = readdirSync(kept).filter((name) => name.startsWith(`${workerFolder}-`))
  const writtenAt = (name: string) =>
    statSync(join(kept, name), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return Math.max(0, ...files.map(writtenAt))
}

const commandLine = (program: string, args: string[]): [string, string[]] => [
  process.execPath,
  [...execArgv, program, ...args],
]

const environment = (planFile: string) => ({
  PATH: process.env.PATH,
  DERRICK_WARM_PLAN: planFile,
})

/** Runs a command until `enough` says so, then stops it as a person would. */
async function run(
  program: string,
  planFile: string,
  command: string[],
  enough: (url: string) => Promise<boolean>,
): Promise<void> {
  const child = spawn(...commandLine(program, [...command, '--port', '0']), {
    env: environment(planFile),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: doneWithinMs,
    killSignal: 'SIGKILL',
  })
  let said = ''
  const url = new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString()
      const found = /\bat (http:\/\/\S+?)[;\s]/.exec(said)?.[1]
      if (found) resolve(found)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', () => reject(new Error(`the program ended: ${said}`)))
  })
  const ended = once(child, 'exit')
  try {
    while (!(await enough(await url))) await delay(askEveryMs)
    child.kill('SIGTERM')
    const [code] = await ended
    if (code !== 0) throw new Error(`the program ended with ${code}: ${said}`)
  } catch (error) {
    throw new Error(`no code cache could be made: ${said}`, { cause: error })
  } finally {
    child.kill('SIGKILL')
  }
}
