/** The shop in a thread of its own, for `derrick demo`. */
import { parentPort, workerData } from 'node:worker_threads'
import { demoOptions, demoStart, type SimulatorOptions } from './options.ts'
import { startSimulator } from './server.ts'

/**
 * The thread's workerData: the demo's shop, or any other. The demo's times belong to its data: pass
 * those of the first start again, and records that were already read stay as they were.
 */
export type SimulatorData =
  | { demo: { startMs?: number; liveFromMs?: number; port?: number } }
  | SimulatorOptions

/** What the thread says once it can be asked. */
export interface Listening {
  kind: 'listening'
  url: string
  apiKey: string
  startMs: number
}

/** What the thread is told. */
export interface Close {
  kind: 'close'
}

function optionsFrom(data: SimulatorData): SimulatorOptions {
  if (!('demo' in data)) return data
  const nowMs = Date.now()
  const { startMs = demoStart(nowMs), liveFromMs = nowMs, port = 0 } = data.demo
  return { ...demoOptions({ startMs, liveFromMs }), port }
}

if (parentPort === null) throw new Error('the simulator actor runs as a worker thread')
const port = parentPort
const options = optionsFrom(workerData as SimulatorData)
const simulator = await startSimulator(options)
port.on('message', (message: Close) => {
  if (message.kind !== 'close') return
  void simulator.close().then(() => port.close())
})
const { url, apiKey } = simulator
port.postMessage({ kind: 'listening', url, apiKey, startMs: options.startMs } satisfies Listening)
