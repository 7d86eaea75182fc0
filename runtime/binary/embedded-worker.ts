import workerThreads, { type WorkerOptions } from 'node:worker_threads'

/** The asset that holds the bundle of all actors, and the prefix of their names. */
export const workerAsset = 'worker.cjs'
const actorPrefix = 'derrick:'

/**
 * The code a thread starts with: there is no file to start in the executable, so it compiles the
 * embedded bundle and calls its `start(entry)`. Piscina's worker asks for an actor with
 * `require('derrick:…')`, which the bundle's own table answers.
 */
function bootCode(entry: string): string {
  return `
const { getAsset } = require('node:sea')
const vm = require('node:vm')
const source = '(function (require, module, exports) {' + getAsset('${workerAsset}', 'utf8') + '\\n})'
const script = new vm.Script(source, {
  filename: '${actorPrefix}${workerAsset}',
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
})
const bundle = { exports: {} }
const builtin = require
const answer = (id) =>
  Object.hasOwn(bundle.exports.actors ?? {}, id) ? bundle.exports.actors[id] : builtin(id)
script.runInThisContext()(answer, bundle, bundle.exports)
bundle.exports.start(${JSON.stringify(entry)})
`
}

/**
 * Makes `new Worker` understand `derrick:<actor>` and Piscina's own worker file, neither of which
 * exists on disk in the executable. Must run before a thread is started.
 */
export function installEmbeddedWorker(): void {
  const Worker = workerThreads.Worker
  class EmbeddedWorker extends Worker {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      const entry = options.eval ? undefined : entryOf(String(file))
      if (entry === undefined) super(file, options)
      else super(bootCode(entry), { ...options, eval: true })
    }
  }
  workerThreads.Worker = EmbeddedWorker
}

function entryOf(file: string): string | undefined {
  if (file.startsWith(actorPrefix)) return file
  return /[\\/]worker\.js$/.test(file) ? 'piscina' : undefined
}
