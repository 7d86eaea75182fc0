import { setFlagsFromString } from 'node:v8'
import type { MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { PoolTask } from '../../schema/protocol.ts'
import { actorFile } from '../binary/actor-file.ts'

/** Range jobs that one worker's event loop carries at once; APIs with latency need many. */
const jobsPerWorker = 64
/** A runaway actor fails alone instead of taking the process's memory. */
const workerHeapMb = 512
/**
 * A worker's heap is let grow to this before V8 marks it for the first time. By itself V8 marks a heap of pages that come and go
 * every 50 ms, on all cores: a fifth of what a sync costs. No resource limit says this; the flag holds for threads started after it.
 */
const firstMarkingMb = 96

export interface ActorPool {
  /** Runs a task. The promise of a range job means only "returned"; its outcome comes over its port. */
  run(task: PoolTask<MessagePort>, transfer?: MessagePort[]): Promise<unknown>
  /** One range alone in a worker of its own, for those whose worker died. */
  runAlone(task: PoolTask<MessagePort>, transfer: MessagePort[]): Promise<unknown>
  /** Runs a task in every worker that is up. */
  broadcast(task: PoolTask<MessagePort>): Promise<void>
  started(): boolean
  close(): Promise<void>
}

/**
 * The pool of sync actors, started with the first job. Never pass an abort signal to Piscina: a task with one gets a
 * worker to itself; cancelling is a message. `atomics: 'disabled'` keeps idle workers' sockets and timers alive.
 */
export function makePool(workers: number): ActorPool {
  let main: Piscina | undefined
  let alone: Piscina | undefined
  const open = (threads: number, perWorker: number): Piscina =>
    new Piscina({
      filename: actorFile('sync-actor'),
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: perWorker,
      atomics: 'disabled',
      idleTimeout: Number.POSITIVE_INFINITY,
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMb, maxYoungGenerationSizeMb: 48 },
    })
  // Piscina's type of a transfer list is the browser's; Node's ports are what it takes.
  const withPorts = (ports: MessagePort[]) => ({ transferList: ports as never })
  const mainPool = (): Piscina => {
    if (!main) setFlagsFromString(`--initial-old-space-size=${firstMarkingMb}`)
    main ??= open(workers, jobsPerWorker)
    return main
  }
  return {
    run: (task, transfer = []) => mainPool().run(task, withPorts(transfer)),
    runAlone: (task, transfer) => {
      alone ??= open(1, 1)
      return alone.run(task, withPorts(transfer))
    },
    broadcast: async (task) => {
      const pools = [main, alone].filter((pool) => pool !== undefined)
      // Piscina spreads equal loads over its threads; a task too many in one of them does no harm here.
      await Promise.allSettled(pools.flatMap((pool) => pool.threads.map(() => pool.run(task))))
    },
    started: () => main !== undefined,
    close: async () => {
      await Promise.all([main?.destroy(), alone?.destroy()])
    },
  }
}
