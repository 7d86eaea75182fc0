/** Worker threads on the virtual loop: they run the real actors, and may die at any moment. */
import type { MessagePort } from 'node:worker_threads'
import { ByteBudget } from '../../actors/byte-budget.ts'
import { makeStreamReader } from '../../actors/connectors/manifest/reader.ts'
import { RangeSession } from '../../actors/destinations/range-session.ts'
import { GovernorLines } from '../../actors/governor-lines.ts'
import { type SyncRangeDeps, syncRange } from '../../actors/sync-range.ts'
import type { ActorPool } from '../../runtime/engine/pool.ts'
import type { Port } from '../../schema/channel.ts'
import type { PoolTask } from '../../schema/protocol.ts'
import type { Random } from '../kill/random.ts'
import type { SimApi } from './api.ts'
import { type SimDestination, simKind } from './destination.ts'
import type { VirtualLoop } from './loop.ts'
import { bindToThread, openSimPorts } from './ports.ts'

interface Outside {
  loop: VirtualLoop
  random: Random
  api: SimApi
  destination: SimDestination
}

/** One thread: all that it holds goes with it. */
class SimWorker {
  isDead = false
  readonly tasks = new Map<object, { reject: (error: Error) => void; port: MessagePort | null }>()
  readonly #outside: Outside
  readonly #run: (task: PoolTask<MessagePort>) => Promise<unknown>
  readonly #http: { drop(): void }
  readonly #lineEnds: MessagePort[] = []

  constructor(outside: Outside) {
    this.#outside = outside
    const { loop, random, api, destination } = outside
    const isDead = () => this.isDead
    const openPorts = () => openSimPorts(loop)
    const openLinePorts = () => {
      const ports = openSimPorts(loop, isDead)
      this.#lineEnds.push(ports.port1)
      return ports
    }
    const lines = new GovernorLines({ clock: loop.clock, openPorts: openLinePorts })
    const http = api.client(loop)
    this.#http = http
    const registry = destination.registry(loop, isDead)
    const deps = {
      now: () => loop.now,
      budget: new ByteBudget(32 * 1024 * 1024),
      openPorts,
      attachDestination: (port: Port) => void new RangeSession(registry, port),
      loadKind: async () => simKind,
      openReader: (...[job, openLine, , gate]: Parameters<SyncRangeDeps['openReader']>) =>
        makeStreamReader({
          manifest: job.connector.manifest,
          streamName: job.connector.streamName,
          config: job.config,
          http,
          clock: loop.clock,
          random: random.unit,
          governor: lines.governorOf(job, openLine, gate),
          timezone: job.range.zone,
        }),
    }
    this.#run = async (task) => {
      if (task.kind === 'sync-range') return syncRange(task.job, task.port, deps)
      await loop.turn()
      if (task.kind === 'clear-stream') destination.clear(task.target.streamKey)
      if (task.kind === 'clear-ranges') destination.clear(task.target.streamKey, task.ranges)
      return { ok: true, steps: [] }
    }
  }

  run(task: PoolTask<MessagePort>): Promise<unknown> {
    const { loop } = this.#outside
    const key = {}
    return new Promise((resolve, reject) => {
      const port = task.kind === 'sync-range' ? task.port : null
      if (port) bindToThread(port, () => this.isDead)
      this.tasks.set(key, { reject, port })
      loop.post(() => {
        if (this.isDead) return
        const done = (act: () => void) => () => {
          if (this.isDead) return
          this.tasks.delete(key)
          loop.post(act)
        }
        this.#run(task).then(
          (value) => done(() => resolve(value))(),
          (error) => done(() => reject(error))(),
        )
      })
    })
  }

  die(reason: string): void {
    const { loop } = this.#outside
    // Ports close with the thread; nothing more is heard from it.
    for (const { port } of this.tasks.values()) port?.close()
    for (const port of this.#lineEnds) port.close()
    this.isDead = true
    this.#http.drop()
    for (const { reject } of this.tasks.values()) loop.post(() => reject(new Error(reason)))
    this.tasks.clear()
  }
}

/** Two workers, and one for ranges that run alone. */
export class SimPool implements ActorPool {
  readonly #outside: Outside
  #workers: SimWorker[]
  #alone: SimWorker

  constructor(outside: Outside) {
    this.#outside = outside
    this.#workers = [new SimWorker(outside), new SimWorker(outside)]
    this.#alone = new SimWorker(outside)
  }

  run(task: PoolTask<MessagePort>): Promise<unknown> {
    const [first, second] = this.#workers as [SimWorker, SimWorker]
    return (first.tasks.size <= second.tasks.size ? first : second).run(task)
  }

  runAlone(task: PoolTask<MessagePort>): Promise<unknown> {
    return this.#alone.run(task)
  }

  async broadcast(): Promise<void> {}
  started(): boolean {
    return true
  }
  async close(): Promise<void> {}

  /** A worker dies, of an endless loop or of memory: it is replaced. */
  kill(which: number): void {
    if (which === 2) {
      this.#alone.die('out of memory')
      this.#alone = new SimWorker(this.#outside)
      return
    }
    this.#workers[which]?.die('out of memory')
    this.#workers[which] = new SimWorker(this.#outside)
  }
}
