import { setFlagsFromString } from 'node:v8'
import type { MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import {
  type Heartbeat,
  heartbeatEveryMs,
  type PoolTask,
  type SentTask,
} from '../../schema/protocol.ts'
import { actorFile } from '../binary/actor-file.ts'
import { Heartbeats } from './heartbeats.ts'
import { sentJob } from './sent-job.ts'

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

export interface PoolOptions {
  /** another actor, for tests */
  file?: string
  /** hears what ended a worker that had no task, which no task's rejection tells */
  onStray?: (error: unknown) => void
  /** hears of a worker that gave no sign of life and is replaced */
  onSilent?: (threadId: number) => void
  /** time between two signs of life, for tests */
  heartbeatMs?: number
}

/**
 * The pool of sync actors, started with the first job. Never pass an abort signal to Piscina: a task with one gets a
 * worker to itself; cancelling is a message. `atomics: 'disabled'` keeps idle workers' sockets and timers alive.
 */
export function makePool(workers: number, options: PoolOptions = {}): ActorPool {
  const shared: Required<PoolOptions> = {
    file: options.file ?? actorFile('sync-actor'),
    onStray: options.onStray ?? (() => {}),
    onSilent: options.onSilent ?? (() => {}),
    heartbeatMs: options.heartbeatMs ?? heartbeatEveryMs,
  }
  const main = new Threads({ ...shared, threads: workers, perThread: jobsPerWorker })
  const alone = new Threads({ ...shared, threads: 1, perThread: 1 })
  return {
    run: (task, transfer = []) => {
      if (!main.isOpen) setFlagsFromString(`--initial-old-space-size=${firstMarkingMb}`)
      return main.run(task, transfer)
    },
    runAlone: (task, transfer) => alone.run(task, transfer),
    broadcast: async (task) => {
      await Promise.all([main.broadcast(task), alone.broadcast(task)])
    },
    started: () => main.isOpen,
    close: async () => {
      await Promise.all([main.close(), alone.close()])
    },
  }
}

/** Threads that are started with their first task, and started anew when none of them came up. */
class Threads {
  readonly #options: Required<PoolOptions> & { threads: number; perThread: number }
  #pool: Piscina | undefined
  #watch: NodeJS.Timeout | undefined

  constructor(options: Required<PoolOptions> & { threads: number; perThread: number }) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#pool !== undefined
  }

  async run(task: PoolTask<MessagePort>, ports: MessagePort[]): Promise<unknown> {
    this.#pool ??= this.#open()
    const sent: SentTask<MessagePort> =
      task.kind === 'sync-range' ? { ...task, job: sentJob(task.job) } : task
    // Piscina's type of a transfer list is the browser's; Node's ports are what it takes.
    return this.#pool.run(sent, { transferList: ports as never })
  }

  async broadcast(task: PoolTask<MessagePort>): Promise<void> {
    const pool = this.#pool
    // Piscina spreads equal loads over its threads; a task too many in one of them does no harm here.
    await Promise.allSettled(pool?.threads.map(() => pool.run(task)) ?? [])
  }

  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    clearInterval(this.#watch)
    await pool?.destroy()
  }

  #open(): Piscina {
    const { file, threads, perThread, onStray } = this.#options
    const pool = new Piscina({
      filename: file,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: perThread,
      atomics: 'disabled',
      idleTimeout: Number.POSITIVE_INFINITY,
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMb, maxYoungGenerationSizeMb: 48 },
    })
    // A worker that dies without a task is replaced; unheard, this event would end the process.
    pool.on('error', onStray)
    // One that dies before it is up is not: its tasks would wait for ever. They fail, and the next one starts anew.
    pool.on('workerDestroy', () => {
      setImmediate(() => {
        if (this.#pool === pool && pool.threads.length === 0) void this.close()
      })
    })
    this.#watchOver(pool)
    return pool
  }

  /** A worker whose event loop stands still is ended: its tasks are rejected, and another one takes its place. */
  #watchOver(pool: Piscina): void {
    const { heartbeatMs, onSilent } = this.#options
    const heartbeats = new Heartbeats()
    pool.on('message', (message: Heartbeat) => heartbeats.heard(message.heartbeat))
    this.#watch = setInterval(() => {
      const silent = heartbeats.check(pool.threads.map((thread) => thread.threadId))
      for (const thread of pool.threads) {
        if (!silent.includes(thread.threadId)) continue
        onSilent(thread.threadId)
        void thread.terminate()
      }
    }, heartbeatMs)
    this.#watch.unref()
  }
}
