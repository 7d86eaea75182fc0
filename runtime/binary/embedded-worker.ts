import workerThreads, { type WorkerOptions } from 'node:worker_threads'

/** The prefix of the actors' names. */
const actorPrefix = 'derrick:'
/** What a thread of a pool starts with. */
export const piscinaEntry = 'piscina'

/**
 * Makes `new Worker` understand `derrick:<actor>` and Piscina's own worker file, neither of which
 * exists on disk in the executable: such a thread starts with `bootCode`, which exports
 * `startThread(entry)`. Must run before a thread is started.
 */
export function installEmbeddedWorker(bootCode: () => string): void {
  const Worker = workerThreads.Worker
  class EmbeddedWorker extends Worker {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      const entry = options.eval ? undefined : entryOf(String(file))
      if (entry === undefined) super(file, options)
      else {
        const code = `${bootCode()}\nexports.startThread(${JSON.stringify(entry)})\n`
        super(code, { ...options, eval: true })
      }
    }
  }
  workerThreads.Worker = EmbeddedWorker
}

function entryOf(file: string): string | undefined {
  if (file.startsWith(actorPrefix)) return file
  return /[\\/]worker\.js$/.test(file) ? piscinaEntry : undefined
}
