/**
 * The program as the executable runs it, from the files that the build will embed. Each thread keeps
 * the scripts it compiled and writes their code caches: the functions that were called so far are in
 * them. `DERRICK_WARM_PLAN` is the path of a JSON file, a `WarmPlan`.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Script } from 'node:vm'
import { isMainThread, threadId } from 'node:worker_threads'
import type { AssetFiles } from './assets.ts'
import { makeBoot } from './boot.ts'
import { piscinaEntry } from './embedded-worker.ts'

export interface WarmPlan {
  assets: AssetFiles
  /** asset key of a chunk -> the file its code cache goes to; one that exists is left as it is */
  caches: AssetFiles
}

/** Threads are ended from outside, without a last word: they write from time to time. */
const writeEveryMs = 250

const plan = JSON.parse(readFileSync(process.env.DERRICK_WARM_PLAN ?? '', 'utf8')) as WarmPlan
const scripts = new Map<string, Script>()

const files = {
  isSea: () => true,
  getAssetKeys: () => Object.keys(plan.assets),
  getRawAsset: (key: string) => {
    const file = plan.assets[key]
    if (file === undefined) throw new Error(`no asset ${key}`)
    return new Uint8Array(readFileSync(file)).buffer
  },
}

const { startMain, startThread: start } = makeBoot(files, (key, script) => {
  const file = plan.caches[key]
  if (file !== undefined && !existsSync(file)) scripts.set(file, script)
})

/** Only the pool's threads write: V8 takes a cache by flags alike, and the pool sets one for its own threads. */
export function startThread(entry: string): Promise<unknown> {
  if (entry === piscinaEntry) setInterval(write, writeEveryMs).unref()
  return start(entry)
}

function write(): void {
  for (const [file, script] of scripts) {
    const draft = `${file}.${threadId}`
    writeFileSync(draft, script.createCachedData())
    renameSync(draft, file)
  }
}

if (isMainThread) {
  process.once('exit', write)
  startMain()
}
