import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Fault } from '../../actors/simulator/fault.ts'
import type { SimulatorOptions } from '../../actors/simulator/options.ts'
import { startChild } from './child.ts'
import { within } from './wait.ts'

const program = join(import.meta.dirname, '../../actors/simulator/simulator-process.ts')

/** The simulated shop in a process of its own: it survives the kills of what it is read by. */
export interface ShopProcess {
  url: string
  port: number
  apiKey: string
  options: SimulatorOptions
  /** Stands the shop's clock still at `nowMs`. */
  freeze(nowMs: number): Promise<void>
  addFaults(faults: Fault[]): Promise<void>
  clearFaults(): Promise<void>
  setLatency(ms: number, jitterMs?: number): Promise<void>
  /** One call below /_control. */
  control<T = unknown>(method: string, path: string, body?: unknown): Promise<T>
  stop(): Promise<void>
}

export async function startShop(options: SimulatorOptions): Promise<ShopProcess> {
  // The pipe to its stdin ends with this process, and the shop with the pipe.
  const child = startChild(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  if (!child.process.stdout) throw new Error('the shop has no stdout')
  const lines = createInterface({ input: child.process.stdout })
  const ended = child.exited.then(() => Promise.reject(new Error(`shop ended: ${child.log()}`)))
  const [line] = await within('the shop to start', Promise.race([once(lines, 'line'), ended]))
  ended.catch(() => {})
  const started = JSON.parse(String(line)) as { url: string; port: number; api_key: string }

  const control = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${started.url}/_control${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as T
    if (!response.ok) throw new Error(`control ${path}: ${JSON.stringify(answer)}`)
    return answer
  }
  return {
    url: started.url,
    port: started.port,
    apiKey: started.api_key,
    options,
    control,
    freeze: async (nowMs) => void (await control('POST', '/clock', { now_ms: nowMs })),
    addFaults: async (faults) => void (await control('POST', '/faults', faults)),
    clearFaults: async () => void (await control('DELETE', '/faults')),
    setLatency: async (ms, jitterMs = 0) =>
      void (await control('POST', '/latency', { ms, jitter_ms: jitterMs })),
    stop: async () => void (await child.end('SIGTERM')),
  }
}
