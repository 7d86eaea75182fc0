import type { MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { CheckResult } from '../schema/destination.ts'
import { DerrickError, derrickError, type Failure } from '../schema/error.ts'
import type { LoadedManifest } from '../schema/manifest/load.ts'
import type { Manifest } from '../schema/manifest/manifest.ts'
import { type PreviewReport, previewLimits } from '../schema/preview.ts'
import type { PoolTask } from '../schema/protocol.ts'
import { actorFile } from './binary/actor-file.ts'

/** What a preview is asked for, and what it answers. */
export type PreviewTask = Omit<Extract<PoolTask<MessagePort>, { kind: 'preview-stream' }>, 'kind'>
/** What a browser brought back after somebody had agreed to a source's access. */
export type ExchangeTask = Omit<Extract<PoolTask, { kind: 'exchange-code' }>, 'kind'>
export interface PreviewAnswer {
  report: PreviewReport
  /** JSON of a fixture, when one was to be recorded */
  fixture?: string
}

/** Where manifests are read and tried: in threads of their own, never the supervisor's, away from running ranges. */
export interface Workbench {
  /** One answer for each file, in their order. */
  load(files: readonly { file: string; text: string }[]): Promise<LoadedManifest[]>
  /** @throws DerrickError fixture.*, config.invalid, workbench.too_long; what the API does is in the report */
  preview(task: PreviewTask): Promise<PreviewAnswer>
  /** Secrets for the config. @throws DerrickError auth.*, network.* */
  exchange(task: ExchangeTask): Promise<Record<string, string>>
  check(
    manifest: Manifest,
    config: Record<string, unknown>,
    allowPrivateNetworks: boolean,
  ): Promise<CheckResult>
  close(): Promise<void>
}

/** A thread that had nothing to do for so long ends. */
const idleMs = 30_000
const mostThreads = 2
/** Previews mostly wait for the API. */
const tasksPerThread = 4
const mostWaiting = 64
const heapMb = 256
/** Reading a file takes milliseconds; one made to take long loses its thread. */
const loadWithinMs = 10_000
const callWithinMs = previewLimits.timeoutMs + 15_000

export function openWorkbench(): Workbench {
  let threads: Piscina | undefined
  const close = async (): Promise<void> => {
    const ended = threads
    threads = undefined
    await ended?.destroy()
  }
  const run = async <T>(
    task: PoolTask<MessagePort>,
    withinMs: number,
    ports: MessagePort[] = [],
  ): Promise<T> => {
    threads ??= openThreads()
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      reject(tookTooLong(withinMs))
      // A thread that does not come back can only be ended; what else it did can be asked again.
      void close()
    }, withinMs)
    try {
      // As in the pool: Piscina's type of a transfer list is the browser's.
      const answer = threads.run(task, { transferList: ports as never })
      return (await Promise.race([answer, late])) as T
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    load: (files) => run({ kind: 'load-manifests', files: [...files] }, loadWithinMs),
    preview: async (task) => {
      const order = { kind: 'preview-stream', ...task } as const
      const ports = task.signIn ? [task.signIn] : []
      const answer = await run<PreviewAnswer | { failure: Failure }>(order, callWithinMs, ports)
      if ('failure' in answer) throw new DerrickError(answer.failure)
      return answer
    },
    exchange: async (task) => {
      const order = { kind: 'exchange-code', ...task } as const
      const answer = await run<{ secrets: Record<string, string> } | { failure: Failure }>(
        order,
        callWithinMs,
      )
      if ('failure' in answer) throw new DerrickError(answer.failure)
      return answer.secrets
    },
    check: (manifest, config, allowPrivateNetworks) =>
      run({ kind: 'check-source', manifest, config, allowPrivateNetworks }, callWithinMs),
    close,
  }
}

function openThreads(): Piscina {
  const threads = new Piscina({
    filename: actorFile('sync-actor'),
    minThreads: 0,
    maxThreads: mostThreads,
    concurrentTasksPerWorker: tasksPerThread,
    maxQueue: mostWaiting,
    idleTimeout: idleMs,
    atomics: 'disabled',
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  // A thread that dies while idle is no loss; unheard, the event would end the process.
  threads.on('error', () => {})
  return threads
}

const tookTooLong = (ms: number) =>
  derrickError('unknown', 'workbench.too_long', `it took longer than ${ms / 1_000} s`, {
    remedy: 'make the manifest smaller, or try again',
  })
