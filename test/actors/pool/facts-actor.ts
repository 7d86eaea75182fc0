import { setTimeout as delay } from 'node:timers/promises'
import { type MessagePort, threadId } from 'node:worker_threads'

let ticks = 0

/** A pool task for `facts.test.ts`: each kind shows one property of the pool that Derrick relies on. */
// biome-ignore lint/style/noDefaultExport: Piscina calls a module's default export
export default async function facts(task: {
  kind: string
  ms?: number
  port?: MessagePort
}): Promise<unknown> {
  switch (task.kind) {
    case 'start-timer':
      setInterval(() => {
        ticks += 1
      }, 5).unref()
      return threadId
    case 'ticks':
      return ticks
    case 'wait':
      await delay(task.ms ?? 0)
      return threadId
    case 'throw-in-timer':
      setImmediate(() => {
        throw new Error('nobody catches this')
      })
      await delay(60_000)
      return threadId
    case 'exit':
      process.exit(3)
      break
    case 'answer-and-return':
      task.port?.postMessage({ kind: 'terminal' })
      task.port?.close()
      return threadId
    default:
      throw new Error(`no such task ${task.kind}`)
  }
}
