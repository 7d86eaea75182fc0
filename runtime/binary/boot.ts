import { isMainThread } from 'node:worker_threads'
import { type ChunkSource, chunkLoader, codeCacheKey } from './chunks.ts'
import { installEmbeddedWorker } from './embedded-worker.ts'

/** What of `node:sea` is used; the build runs the same code on files. */
export type EmbeddedAssets = Pick<
  typeof import('node:sea'),
  'isSea' | 'getRawAsset' | 'getAssetKeys'
>

/** What `actors/worker-entry.ts` exports. */
interface WorkerBundle {
  actors: Record<string, unknown>
  start(entry: string): Promise<unknown>
}

/** The asset with this module's bundle: threads are started with its code. */
export const bootAsset = 'boot.cjs'
export const mainFolder = 'main'
export const workerFolder = 'worker'

/**
 * What the executable's main thread and each of its workers run first. There are no files to load in
 * the executable: both take the chunks of their bundle from `assets`.
 */
export function makeBoot(assets: EmbeddedAssets, compiled?: ChunkSource['compiled']) {
  const has = new Set(assets.getAssetKeys())
  const bytes = (key: string): Buffer => Buffer.from(assets.getRawAsset(key))
  const source: ChunkSource = {
    // The bundler writes ASCII: a string of one byte a character, half as large and read sooner.
    code: (key) => bytes(key).toString('latin1'),
    codeCache: (key) => (has.has(codeCacheKey(key)) ? bytes(codeCacheKey(key)) : undefined),
    ...(compiled ? { compiled } : {}),
  }
  const outside = (id: string): unknown => {
    if (id === 'node:sea') return assets
    const found = process.getBuiltinModule(id)
    if (found !== undefined) return found
    throw Object.assign(new Error(`there is no module ${id} in this executable`), {
      code: 'MODULE_NOT_FOUND',
    })
  }
  return {
    /** Runs the command line. */
    startMain: (): void => {
      installEmbeddedWorker(() => source.code(bootAsset))
      chunkLoader(mainFolder, source, outside)('./main-entry.cjs')
    },
    /** Runs an actor, or Piscina's worker, which asks for an actor with `require('derrick:...')`. */
    startThread: (entry: string): Promise<unknown> => {
      if (isMainThread) throw new Error(`${entry} runs in a thread of its own`)
      let bundle: WorkerBundle | undefined
      const load = chunkLoader(workerFolder, source, (id) =>
        bundle && Object.hasOwn(bundle.actors, id) ? bundle.actors[id] : outside(id),
      )
      bundle = load('./worker-entry.cjs') as WorkerBundle
      return bundle.start(entry)
    },
  }
}
