/** The shop in a thread of its own, for `derrick demo`: workerData holds the options, or when the demo began. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { demoOptions, demoStart, type SimulatorOptions } from './options.ts'
import { startSimulator } from './server.ts'

/** What the thread says. */
export interface Listening {
  kind: 'listening'
  url: string
}

/** What the thread is told. */
export interface Close {
  kind: 'close'
}

if (parentPort === null) throw new Error('the simulator actor runs as a worker thread')
void serve(parentPort, optionsOf(workerData))

/** The demo's shop is the same after a restart: its data depend on when the demo first began. */
function optionsOf(data: SimulatorOptions | { demoSince: number }): SimulatorOptions {
  if (!('demoSince' in data)) return data
  return demoOptions({ startMs: demoStart(data.demoSince), liveFromMs: data.demoSince })
}

/** A failure to start ends the thread with an `error` event. No top-level await: the executable's bundle has none. */
async function serve(port: MessagePort, options: SimulatorOptions): Promise<void> {
  const simulator = await startSimulator(options)
  port.on('message', (message: Close) => {
    if (message.kind !== 'close') return
    void simulator.close().then(() => port.close())
  })
  port.postMessage({ kind: 'listening', url: simulator.url } satisfies Listening)
}
