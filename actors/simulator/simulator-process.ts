/**
 * The shop as a process of its own, for tests and benchmarks:
 * `node actors/simulator/simulator-process.ts '{"startMs":…}'` prints `{"url":…}` and then serves.
 */
import { fstatSync } from 'node:fs'
import type { SimulatorOptions } from './options.ts'
import { startSimulator } from './server.ts'

const simulator = await startSimulator(JSON.parse(process.argv[2] ?? '{}') as SimulatorOptions)
const { url, port, apiKey } = simulator
process.stdout.write(`${JSON.stringify({ url, port, api_key: apiKey })}\n`)
const stop = (): void => void simulator.close()
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
// a starter that holds a pipe to us takes us along when it dies, however it dies
const input = fstatSync(0)
if (input.isFIFO() || input.isSocket()) {
  process.stdin.on('end', stop).on('error', stop).resume()
  process.stdin.unref()
}
