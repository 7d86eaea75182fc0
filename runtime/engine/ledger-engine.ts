import type { MessagePort } from 'node:worker_threads'
import type { CheckResult, DestinationType } from '../../schema/destination.ts'
import { derrickError } from '../../schema/error.ts'
import type { Progress, SchedulerState } from '../../schema/event.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import type { PoolTask } from '../../schema/protocol.ts'
import type { RunTrigger } from '../../schema/run.ts'
import type { Settings } from '../../schema/settings.ts'
import type { RunRow } from '../store/runs.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import type { AskedWindow, Engine, RangeAction } from './engine.ts'
import { buildTarget } from './job.ts'
import { moveRanges } from './range-actions.ts'
import { recover } from './recovery.ts'
import { RunCoordinator, type RunHost } from './run-coordinator.ts'

/** At most this many progress events a second and run. */
const progressEveryMs = 250

/** The engine on top of the ledger: owns the active runs, hands them permits, answers the API. */
export class LedgerEngine implements Engine, RunHost {
  readonly #deps: EngineDeps
  readonly #manifestOf: (connector: string) => Manifest
  readonly #active = new Map<string, RunCoordinator>()
  readonly #sourceLoad = new Map<string, number>()
  readonly #lastTick: () => number | null
  #stopping: (() => void) | null = null
  #progressTimer: NodeJS.Timeout | undefined

  constructor(
    deps: EngineDeps,
    manifestOf: (connector: string) => Manifest,
    lastTick: () => number | null,
  ) {
    this.#deps = deps
    this.#manifestOf = manifestOf
    this.#lastTick = lastTick
  }

  /** Recovers from how the process before this one ended and goes on with what it did. */
  start(): void {
    const found = recover(this.#deps)
    for (const run of found.queuedRuns) this.#resume(run)
    for (const run of found.interruptedRuns) {
      if (this.#deps.config.stream(run.streamId)?.enabled) this.syncStream(run.streamId, 'retry')
    }
    this.#progressTimer = setInterval(() => this.#emitProgress(), progressEveryMs)
    this.#progressTimer.unref()
  }

  /** Takes no new work, lets commits under way finish for a while, puts the rest back. Resolves when nothing runs. */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#progressTimer)
    const empty = new Promise<void>((resolve) => {
      this.#stopping = resolve
    })
    for (const run of this.#active.values()) run.stop()
    if (this.#active.size === 0) return
    const timer = setTimeout(() => {
      for (const run of this.#active.values()) run.stopNow()
    }, graceMs)
    await empty
    clearTimeout(timer)
  }

  syncStream(
    streamId: string,
    trigger: RunTrigger,
    window?: AskedWindow,
  ): { runId: string; joined: boolean } {
    const context = this.#context(streamId)
    if (this.#stopping)
      throw derrickError('unknown', 'server.stopping', 'Derrick is stopping', {
        remedy: 'try again after it started',
      })
    if (trigger === 'manual' || trigger === 'api') this.#release(context)
    const running = this.#active.get(streamId)
    if (running && !running.cancelling) {
      running.plan(window)
      return { runId: running.run.id, joined: true }
    }
    if (running)
      throw derrickError('unknown', 'run.cancelling', 'the run before is still being cancelled', {
        remedy: 'try again in a moment',
      })
    const run = this.#insertRun(context, trigger)
    const coordinator = this.#activate(run, context)
    coordinator.plan(window)
    coordinator.enqueue()
    this.permitsReturned()
    return { runId: run.id, joined: false }
  }

  cancelStream(streamId: string): boolean {
    const run = this.#active.get(streamId)
    run?.cancel()
    return run !== undefined
  }

  cancelRun(runId: string): boolean {
    for (const run of this.#active.values()) {
      if (run.run.id !== runId) continue
      run.cancel()
      return true
    }
    return false
  }

  actOnRanges(
    streamId: string,
    action: RangeAction,
    window: AskedWindow,
    options: { status?: string; dryRun?: boolean } = {},
  ): { matched: number; runId: string | null } {
    const context = this.#context(streamId)
    const moved = moveRanges(this.#deps.ranges, streamId, action, window, options)
    if (options.dryRun) return { matched: moved.matched, runId: null }
    for (const range of moved.rows) {
      this.#deps.emit({ kind: 'range-changed', workspaceId: context.workspaceId, range })
    }
    if (moved.rows.length === 0) return { matched: moved.matched, runId: null }
    return { matched: moved.matched, runId: this.syncStream(streamId, 'api').runId }
  }

  retryRange(rangeId: number): { runId: string } {
    const row = this.#deps.ranges.get(rangeId)
    if (!row) throw derrickError('unknown', 'range.not_found', 'there is no such range')
    if (row.status === 'failed')
      this.#deps.ranges.change(rangeId, { kind: 'retry', resetFailures: true })
    if (row.status === 'complete')
      this.#deps.ranges.change(rangeId, { kind: 'reopen', lane: 'repair' })
    return { runId: this.syncStream(row.streamId, 'api').runId }
  }

  /** Also of a disabled stream: disable, reset, change is how a stream gets another granularity or key. */
  async resetStream(streamId: string, { clear }: { clear: boolean }): Promise<void> {
    const context = this.#deps.config.stream(streamId)
    if (!context) throw derrickError('unknown', 'stream.not_found', 'there is no such stream')
    if (this.#active.has(streamId)) {
      throw derrickError('unknown', 'run.active', 'the stream is being synced', {
        remedy: 'cancel its run first',
      })
    }
    if (clear) {
      const target = buildTarget(context, this.#deps.config.jobInputs(streamId))
      await this.#task({ kind: 'clear-stream', target })
      this.#deps.ranges.deleteAll(streamId)
    } else {
      moveRanges(this.#deps.ranges, streamId, 'resync', { from: null, to: null }, {})
    }
    this.#deps.emit({ kind: 'stream-changed', workspaceId: context.workspaceId, streamId })
  }

  streamChanged(streamId: string): void {
    this.#active.get(streamId)?.poke()
  }

  sourceChanged(sourceId: string): void {
    const { config, ranges } = this.#deps
    for (const streamId of config.streamsOfSource(sourceId)) {
      const context = config.stream(streamId)
      if (!context?.enabled || context.source.paused) continue
      // Resumed or given new credentials: what failed for its sign-in is tried again.
      const refused = ranges.failed(streamId).filter((row) => row.error?.category === 'auth')
      for (const row of refused) ranges.change(row.id, { kind: 'retry', resetFailures: true })
      if (refused.length > 0) this.syncStream(streamId, 'retry')
      this.streamChanged(streamId)
    }
  }

  destinationChanged(destinationId: string): void {
    if (!this.#deps.pool.started()) return
    void this.#deps.pool.broadcast({ kind: 'close-destination', destinationId })
  }

  settingsChanged(settings: Settings): void {
    this.#deps.permits.setLimits({
      global: settings.max_concurrent_syncs,
      perSource: settings.max_concurrent_syncs_per_source,
    })
    this.permitsReturned()
  }

  checkSource(connector: string, config: Record<string, unknown>): Promise<CheckResult> {
    const { allowPrivateNetworks } = this.#deps
    return this.#task({
      kind: 'check-source',
      manifest: this.#manifestOf(connector),
      config,
      allowPrivateNetworks,
    })
  }

  checkDestination(type: DestinationType, config: Record<string, unknown>): Promise<CheckResult> {
    return this.#task({ kind: 'check-destination', type, config })
  }

  schedulerState(): SchedulerState {
    const { permits, queue } = this.#deps
    const tick = this.#lastTick()
    return {
      global: { limit: permits.limits.global, in_use: permits.inUse },
      queued: queue.size,
      last_tick_at: tick === null ? null : new Date(tick).toISOString(),
    }
  }

  progress(): Progress[] {
    return [...this.#active.values()].map((run) => this.#progressOf(run))
  }

  waitingFor(runId: string): string | undefined {
    return this.#find(runId)?.waiting
  }

  isCancelling(runId: string): boolean {
    return this.#find(runId)?.cancelling ?? false
  }

  // RunHost

  sourceInFlight(sourceId: string): number {
    return this.#sourceLoad.get(sourceId) ?? 0
  }

  sourceInFlightChanged(sourceId: string, by: 1 | -1): void {
    const load = this.sourceInFlight(sourceId) + by
    if (load > 0) this.#sourceLoad.set(sourceId, load)
    else this.#sourceLoad.delete(sourceId)
    if (by < 0) this.#pokeOthers(sourceId)
  }

  permitsReturned(): void {
    const { queue, config, now } = this.#deps
    const granted = queue.grant(({ streamId }) => {
      const until = config.stream(streamId)?.source.pausedUntil ?? null
      return until === null || until <= now()
    })
    for (const { streamId } of granted) this.#active.get(streamId)?.granted()
    this.#deps.emit({ kind: 'scheduler-changed' })
  }

  ended(run: RunCoordinator): void {
    this.#active.delete(run.run.streamId)
    const { workspaceId, streamId } = run.run
    this.#deps.emit({ kind: 'progress', workspaceId, progress: this.#progressOf(run) })
    this.#deps.emit({ kind: 'stream-changed', workspaceId, streamId })
    this.permitsReturned()
    if (this.#stopping && this.#active.size === 0) this.#stopping()
  }

  /** Runs of the same source may have waited for a free request. */
  #pokeOthers(sourceId: string): void {
    queueMicrotask(() => {
      for (const run of this.#active.values()) if (run.context.source.id === sourceId) run.poke()
    })
  }

  #find(runId: string): RunCoordinator | undefined {
    for (const run of this.#active.values()) if (run.run.id === runId) return run
    return undefined
  }

  #progressOf(run: RunCoordinator): Progress {
    const { rangesComplete, rangesTotal } = run.run
    return run.progress.sample(
      run.run,
      { done: rangesComplete, total: rangesTotal },
      run.waiting,
      this.#deps.now(),
    )
  }

  #emitProgress(): void {
    for (const run of this.#active.values()) {
      this.#deps.emit({
        kind: 'progress',
        workspaceId: run.run.workspaceId,
        progress: this.#progressOf(run),
      })
    }
  }

  #context(streamId: string): StreamContext {
    const context = this.#deps.config.stream(streamId)
    if (!context) throw derrickError('unknown', 'stream.not_found', 'there is no such stream')
    if (!context.enabled) {
      throw derrickError('unknown', 'stream.disabled', `${context.title} is disabled`, {
        remedy: 'enable it first',
      })
    }
    return context
  }

  /** A person asks: lanes that a cancel held go on, and what had given up gets new tries. */
  #release(context: StreamContext): void {
    const { config, ranges } = this.#deps
    if (context.heldLanes !== 0) config.setHeldLanes(context.streamId, 0)
    for (const row of ranges.failed(context.streamId)) {
      ranges.change(row.id, { kind: 'retry', resetFailures: true })
    }
  }

  #insertRun(context: StreamContext, trigger: RunTrigger): RunRow {
    const { runs, newId, now } = this.#deps
    const { workspaceId, streamId, connectionId } = context
    const id = newId('run')
    runs.insert({ id, workspaceId, streamId, connectionId, trigger, createdAt: now() })
    return runs.get(id) as RunRow
  }

  #activate(run: RunRow, context: StreamContext): RunCoordinator {
    const coordinator = new RunCoordinator(run, context, this.#deps, this)
    this.#active.set(context.streamId, coordinator)
    return coordinator
  }

  #resume(run: RunRow): void {
    const context = this.#deps.config.stream(run.streamId)
    if (!context?.enabled) {
      this.#deps.runs.save({ ...run, status: 'cancelled', finishedAt: this.#deps.now() })
      return
    }
    const coordinator = this.#activate(run, context)
    coordinator.plan()
    coordinator.enqueue()
    this.permitsReturned()
  }

  #task(task: PoolTask<MessagePort>): Promise<CheckResult> {
    return this.#deps.pool.run(task) as Promise<CheckResult>
  }
}
