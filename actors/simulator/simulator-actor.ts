/** The shop in a thread of its own, for `derrick demo`. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { demoOptions, type SimulatorOptions } from './options.ts'
import { startSimulator } from './server.ts'

/**
 * The thread's workerData: the demo's shop by the instant (epoch ms) at which the demo first began,
 * or any other shop. The same instant gives the same shop: what was read before a restart stays true.
 */
export type SimulatorData = { demoSince: number; port?: number } | SimulatorOptions

/** What the thread says once it can be asked. */
export interface Listening {
  kind: 'listening'
  url: string
  apiKey: string
}

/** What the thread is told. */
export interface Close {
  kind: 'close'
}

if (parentPort === null) throw new Error('the simulator actor runs as a worker thread')
void serve(parentPort, workerData as SimulatorData)

/** A failure to start ends the thread with an `error` event. No top-level await: the executable's bundle has none. */
async function serve(port: MessagePort, data: SimulatorData): Promise<void> {
  const options =
    'demoSince' in data
      ? { ...demoOptions(data.demoSince), ...(data.port === undefined ? {} : { port: data.port }) }
      : data
  const simulator = await startSimulator(options)
  port.on('message', (message: Close) => {
    if (message.kind !== 'close') return
    void simulator.close().then(() => port.close())
  })
  const { url, apiKey } = simulator
  port.postMessage({ kind: 'listening', url, apiKey } satisfies Listening)
}
