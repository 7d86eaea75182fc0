import type { MessagePort } from 'node:worker_threads'
import type { CheckResult, DestinationType } from '../../schema/destination.ts'
import { derrickError } from '../../schema/error.ts'
import type { Progress, SchedulerState } from '../../schema/event.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import { rotatingFields } from '../../schema/manifest/rotating.ts'
import type { Lane } from '../../schema/range.ts'
import type { RunTrigger } from '../../schema/run.ts'
import type { Settings } from '../../schema/settings.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { RunRow } from '../store/runs.ts'
import { ActiveRuns } from './active-runs.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import type { AskedWindow, Engine, RangeAction } from './engine.ts'
import { checkSource, runTask } from './pool-tasks.ts'
import {
  farthestMs,
  isUnplanned,
  type MoveOptions,
  moveRanges,
  openAgain,
} from './range-actions.ts'
import { oldestAt } from './read-part.ts'
import { recover } from './recovery.ts'
import { RunCoordinator } from './run-coordinator.ts'
import type { RunHost } from './run-host.ts'
import type { WantedBy } from './run-queue.ts'
import { readinessOf } from './source-readiness.ts'
import { SourceTurns, type Turn, type TurnWish } from './source-turns.ts'
import { clearWindow, resetStream } from './stream-reset.ts'
import { overdue, pausedBy } from './stream-rules.ts'

/** History leaves a place at a source free for so long before fresh data are due there. */
const reserveAheadMs = 60_000

/** The engine on top of the ledger: owns the active runs, hands them permits, answers the API. */
export class LedgerEngine implements Engine, RunHost {
  readonly #deps: EngineDeps
  readonly #manifestOf: (connector: string) => Manifest
  readonly #active: ActiveRuns
  readonly turns: SourceTurns<RunCoordinator>
  /** streams whose ranges are being moved or removed: nothing may start */
  readonly #resetting = new Set<string>()
  readonly #lastTick: () => number | null
  #stopping: (() => void) | null = null

  constructor(
    deps: EngineDeps,
    manifestOf: (connector: string) => Manifest,
    lastTick: () => number | null,
  ) {
    this.#deps = deps
    this.#active = new ActiveRuns(deps)
    this.turns = new SourceTurns(deps)
    this.#manifestOf = manifestOf
    this.#lastTick = lastTick
  }

  /** Recovers from how the process before this one ended and goes on with what it did. */
  start(): void {
    const found = recover(this.#deps)
    for (const run of found.queuedRuns) this.#resume(run)
    for (const run of found.interruptedRuns) {
      const stream = this.#deps.config.stream(run.streamId)
      if (stream?.enabled && pausedBy(stream) === null) this.syncStream(run.streamId, 'retry')
    }
    this.#active.startTelling()
  }

  /** Takes no new work, lets commits under way finish for a while, puts the rest back. Resolves when nothing runs. */
  async stop(graceMs: number): Promise<void> {
    this.#active.stopTelling()
    const empty = new Promise<void>((resolve) => {
      this.#stopping = resolve
    })
    for (const run of this.#active.all()) run.stop()
    if (this.#active.size === 0) return
    const { now, wakeAt } = this.#deps
    const forget = wakeAt(now() + graceMs, () => {
      for (const run of this.#active.all()) run.stopNow()
    })
    await empty
    forget()
  }

  syncStream(
    streamId: string,
    trigger: RunTrigger,
    window?: AskedWindow,
  ): { runId: string; joined: boolean } {
    const context = this.#context(streamId)
    this.#requireStartable(streamId)
    // A person asks for all that is due: lanes that a cancel held go on, and what had given up gets new tries.
    const byPerson = trigger === 'manual' || trigger === 'api'
    const asked = window === undefined && byPerson
    if (asked && context.heldLanes !== 0) this.#deps.config.setHeldLanes(streamId, 0)
    // Access was refused before; whoever asks again has reason to.
    if (byPerson && context.pausedReason) this.#deps.config.pauseStream(streamId, null)
    return this.#begin(context, trigger, (run) =>
      run.plan({ ...(window ? { window } : {}), newTries: asked }),
    )
  }

  /** Gives work to the stream's active run, or to a new one. */
  #begin(context: StreamContext, trigger: RunTrigger, give: (run: RunCoordinator) => void) {
    const running = this.#active.ofStream(context.streamId)
    const run = running ?? this.#activate(this.#insertRun(context, trigger), context)
    give(run)
    if (!running) {
      run.enqueue()
      this.permitsReturned()
    }
    return { runId: run.run.id, joined: running !== undefined }
  }

  /** Reads a window whose ranges are pending, and nothing else. */
  #readWindow(context: StreamContext, window: AskedWindow): { runId: string } {
    if (context.pausedReason) this.#deps.config.pauseStream(context.streamId, null)
    return this.#begin(context, 'api', (run) => run.read(window))
  }

  cancelStream(streamId: string): boolean {
    const run = this.#active.ofStream(streamId)
    run?.cancel()
    return run !== undefined
  }

  cancelRun(runId: string): boolean {
    const run = this.#active.find(runId)
    run?.cancel()
    return run !== undefined
  }

  async actOnRanges(
    streamId: string,
    action: RangeAction,
    window: AskedWindow,
    options: MoveOptions = {},
  ): Promise<{ matched: number; runId: string | null }> {
    if (action === 'clear') {
      const dryRun = options.dryRun ?? false
      const matched = await this.#whileStill(streamId, dryRun, (context) =>
        clearWindow(context, window, dryRun, this.#deps, (task) => runTask(this.#deps, task)),
      )
      return { matched, runId: null }
    }
    const context = this.#context(streamId)
    this.#requireStartable(streamId)
    const { workspaceId } = context
    const { ranges, now, emit } = this.#deps
    const onMoved = (rows: RangeRow[]): void => {
      for (const range of rows) emit({ kind: 'range-changed', workspaceId, range })
    }
    // What the source has no more can't be read again.
    const from = Math.max(window.from ?? -farthestMs, oldestAt(context, now()))
    const asked = { from, to: window.to }
    const matched = await moveRanges(ranges, streamId, action, asked, options, onMoved)
    if (options.dryRun) return { matched, runId: null }
    const isWindow = context.connector.windowed && (window.from !== null || window.to !== null)
    const isAgain = isWindow && action === 'resync'
    if (matched === 0 && !isAgain) return { matched, runId: null }
    const isNew = isAgain && isUnplanned(ranges, context, asked)
    const run =
      isNew || !isWindow || action === 'prioritize'
        ? this.syncStream(streamId, 'api', isNew ? asked : undefined)
        : this.#readWindow(context, asked)
    return { matched, runId: run.runId }
  }

  retryRange(rangeId: number): { runId: string } {
    const { ranges, emit } = this.#deps
    const row = ranges.get(rangeId)
    if (!row) throw derrickError('unknown', 'range.not_found', 'there is no such range')
    const context = this.#context(row.streamId)
    this.#requireStartable(row.streamId)
    const range = openAgain(ranges, row)
    emit({ kind: 'range-changed', workspaceId: context.workspaceId, range })
    if (row.kind === 'full') return { runId: this.syncStream(row.streamId, 'api').runId }
    return this.#readWindow(context, { from: row.start, to: row.end })
  }

  /** Also of a disabled stream: disable, reset, change is how a stream gets another granularity or key. */
  async resetStream(streamId: string, { clear }: { clear: boolean }): Promise<void> {
    await this.#whileStill(streamId, false, (context) =>
      resetStream(context, { clear }, this.#deps, (task) => runTask(this.#deps, task)),
    )
  }

  /** Does something to a stream of which nothing runs, and lets nothing start meanwhile. */
  async #whileStill<T>(
    streamId: string,
    isLook: boolean,
    act: (context: StreamContext) => Promise<T>,
  ): Promise<T> {
    const context = this.#deps.config.stream(streamId)
    if (!context) throw derrickError('unknown', 'stream.not_found', 'there is no such stream')
    if (isLook) return act(context)
    if (this.#active.ofStream(streamId)) {
      throw derrickError('unknown', 'run.active', 'the stream is being synced', {
        remedy: 'cancel its run first',
      })
    }
    this.#requireStartable(streamId)
    this.#resetting.add(streamId)
    try {
      return await act(context)
    } finally {
      this.#resetting.delete(streamId)
      const { workspaceId } = context
      this.#deps.emit({ kind: 'stream-changed', workspaceId, streamId })
    }
  }

  endUnwanted(): void {
    for (const run of this.#active.all()) {
      run.poke()
      const reason = overdue(run.run, run.context, this.#deps.now())
      if (reason) run.expire(reason)
    }
  }

  streamChanged(streamId: string): void {
    this.#active.ofStream(streamId)?.poke()
  }

  /** Requests of a source began to wait for its limits, or go on: its runs show it. */
  sourceWaits(sourceId: string): void {
    for (const run of this.#active.ofSource(sourceId)) run.tell()
  }

  sourceChanged(sourceId: string): void {
    const { config, ranges, governors, signIns, now } = this.#deps
    signIns?.forget(sourceId)
    const [first] = config.streamsOfSource(sourceId)
    const pausedUntil = first === undefined ? null : config.stream(first)?.source.pausedUntil
    if ((pausedUntil ?? 0) <= now()) governors.resume(sourceId)
    for (const streamId of config.streamsOfSource(sourceId)) {
      this.streamChanged(streamId)
      const context = config.stream(streamId)
      if (!context?.enabled || context.source.paused || !this.#isStartable(streamId)) continue
      // Resumed or given new credentials: what failed for its sign-in is tried again.
      const refused = ranges.failed(streamId).filter((row) => row.error?.category === 'auth')
      for (const row of refused) ranges.change(row.id, { kind: 'retry', resetFailures: true })
      if (refused.length > 0) this.syncStream(streamId, 'retry')
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

  checkSource(
    connector: string,
    config: Record<string, unknown>,
    sourceId?: string,
  ): Promise<CheckResult> {
    const signIn = sourceId === undefined ? null : this.openSignIn(sourceId, connector)
    return checkSource(this.#deps, this.#manifestOf(connector), config, signIn)
  }

  openSignIn(sourceId: string, connector: string): MessagePort | null {
    const { signIns, openPorts } = this.#deps
    const isKept = signIns && rotatingFields(this.#manifestOf(connector)).length > 0
    return isKept ? signIns.open(sourceId, openPorts) : null
  }

  checkDestination(type: DestinationType, config: Record<string, unknown>): Promise<CheckResult> {
    return runTask(this.#deps, { kind: 'check-destination', type, config })
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
    return this.#active.progress()
  }

  waitingFor(runId: string): string | undefined {
    return this.#active.find(runId)?.waiting
  }

  isCancelling(runId: string): boolean {
    return this.#active.find(runId)?.cancelling ?? false
  }

  // RunHost
  takeTurn(run: RunCoordinator, source: StreamContext['source'], wish: TurnWish): Turn | null {
    const { id, maxInFlight: max } = source
    const expectsFresh = max > 1 && this.#deps.forecast.isDueWithin(id, reserveAheadMs)
    return this.turns.take({ id, max, expectsFresh }, run, wish)
  }

  permitsWanted(run: RunCoordinator, lane: Lane | null): WantedBy | null {
    const { queue, now } = this.#deps
    return queue.wants(run.context.source.id, lane, run.heldSince, now(), readinessOf(this.#deps))
  }

  sourcePaused(sourceId: string): void {
    for (const run of this.#active.ofSource(sourceId)) run.poke()
  }

  permitsReturned(): void {
    if (this.#stopping) return
    const { queue, emit } = this.#deps
    for (const { streamId } of queue.grant(readinessOf(this.#deps))) {
      this.#active.ofStream(streamId)?.granted()
    }
    emit({ kind: 'scheduler-changed' })
    // Those that run may give way to those that are left, or need not any more.
    for (const run of this.#active.all()) if (run.isRunning) run.poke()
  }

  ended(run: RunCoordinator): void {
    this.#active.remove(run)
    this.turns.unpark(run)
    const { workspaceId, streamId } = run.run
    this.#deps.emit({ kind: 'stream-changed', workspaceId, streamId })
    this.permitsReturned()
    if (this.#stopping && this.#active.size === 0) this.#stopping()
  }

  #isStartable(streamId: string): boolean {
    const isBusy = this.#resetting.has(streamId) || this.#active.ofStream(streamId)?.cancelling
    return !isBusy && !this.#stopping
  }

  /** Throws DerrickError while nothing of the stream may start. */
  #requireStartable(streamId: string): void {
    if (this.#isStartable(streamId)) return
    const remedy = 'try again in a moment'
    if (this.#stopping)
      throw derrickError('unknown', 'server.stopping', 'Derrick is stopping', { remedy })
    if (this.#resetting.has(streamId))
      throw derrickError('unknown', 'stream.resetting', 'the stream is being reset', { remedy })
    throw derrickError('unknown', 'run.cancelling', 'the run before is still being cancelled', {
      remedy,
    })
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

  #insertRun(context: StreamContext, trigger: RunTrigger): RunRow {
    const { runs, newId, now } = this.#deps
    const { workspaceId, streamId, connectionId } = context
    const id = newId('run')
    runs.insert({ id, workspaceId, streamId, connectionId, trigger, createdAt: now() })
    return runs.get(id) as RunRow
  }

  #activate(run: RunRow, context: StreamContext): RunCoordinator {
    const coordinator = new RunCoordinator(run, context, this.#deps, this)
    this.#active.add(coordinator)
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
}
