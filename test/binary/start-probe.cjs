// Loaded into the executable by `--require`: writes down which chunks it evaluates, in each thread, and which of them
// it had evaluated when it began to listen. DERRICK_PROBE is the file that gets a JSON line a chunk.
const { appendFileSync } = require('node:fs')
const { Server } = require('node:net')
const vm = require('node:vm')
const { isMainThread, threadId } = require('node:worker_threads')

const { Script } = vm
const { listen } = Server.prototype
let listening = false

vm.Script = class extends Script {
  constructor(code, options) {
    super(code, options)
    const modules = [...code.matchAll(/^\s*\/\/ ((?:[\w@.-]+\/)+[\w.-]+\.[cm]?[jt]s)$/gm)]
    const seen = {
      chunk: options.filename,
      thread: threadId,
      beforeListen: isMainThread && !listening,
      cached: options.cachedData !== undefined && this.cachedDataRejected === false,
      modules: modules.map((found) => found[1]),
    }
    appendFileSync(process.env.DERRICK_PROBE, `${JSON.stringify(seen)}\n`)
  }
}
Server.prototype.listen = function (...args) {
  listening = true
  return listen.apply(this, args)
}
