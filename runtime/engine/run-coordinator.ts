import { type Failure, toFailure } from '../../schema/error.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { RunRow } from '../store/runs.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import type { AskedWindow } from './engine.ts'
import { failureText } from './engine-events.ts'
import { decideIdle, endStatus } from './idle.ts'
import { plan } from './planner.ts'
import type { RangeOutcome } from './range-task.ts'
import { RangesInFlight, type SourceLoad } from './ranges-in-flight.ts'
import { RunProgress } from './run-progress.ts'
import { makeRunReport, pauseAfterRefusal, type RunReport, rangeTitle } from './run-report.ts'
import { parallelRanges, pausedBy } from './stream-rules.ts'

/** The same failure of the destination, or of workers, in this many ranges on end says that the next ones would fail as well. */
const hopelessAfter = 3
/** Lanes that a cancel holds until a manual trigger: history and repair. */
export const lanesHeldByCancel = 0b110

/** What a run asks of its engine beyond the shared parts. */
export interface RunHost extends SourceLoad {
  /** The run gave its permits back and is queued again. */
  permitsReturned(): void
  ended(run: RunCoordinator): void
}

type Ending = 'cancel' | 'stop' | 'yield' | 'pause' | null

/**
 * One run of one stream: plans, picks the next range by strategy, keeps ranges in flight, retries the failed ones in a
 * final pass, ends. All methods run on the supervisor's thread and return at once.
 */
export class RunCoordinator {
  readonly #deps: EngineDeps
  readonly #host: RunHost
  readonly #report: RunReport
  readonly #inFlight: RangesInFlight
  readonly progress = new RunProgress()
  #run: RunRow
  #context: StreamContext
  #phase: 'queued' | 'running' | 'ended' = 'queued'
  #ending: Ending = null
  #planning = 0
  #forgetWake: (() => void) | undefined
  #waiting: string | undefined
  #stoppedBy: Failure | null = null
  #sameFailure = { code: '', count: 0 }
  #heldSince = 0

  constructor(run: RunRow, context: StreamContext, deps: EngineDeps, host: RunHost) {
    this.#run = run
    this.#context = context
    this.#deps = deps
    this.#host = host
    this.#inFlight = new RangesInFlight(deps, host, {
      report: () => this.#report,
      onProgress: (rangeId, progress) => this.progress.update(rangeId, progress),
      onWait: (reason) => {
        this.#waiting = reason
      },
      onEnded: (rangeId, row, outcome) => {
        this.progress.remove(rangeId)
        if (row) this.#rangeEnded(row, outcome)
        this.#step()
      },
    })
    this.#report = makeRunReport(() => ({ run: this.#run, context: this.#context }), deps.emit)
  }

  get run(): RunRow {
    return this.#run
  }
  get context(): StreamContext {
    return this.#context
  }
  get cancelling(): boolean {
    return this.#ending === 'cancel'
  }
  get waiting(): string | undefined {
    return this.#phase === 'queued' ? this.#deps.queue.waitingFor(this.#run.id) : this.#waiting
  }
  get rangesInFlight(): number {
    return this.#inFlight.size
  }

  /** Plans what is due into this run, also while it runs; what is planned can be picked at once. */
  plan(window?: AskedWindow): void {
    const context = this.#refresh()
    if (!context) return
    this.#planning += 1
    const { deps, run } = { deps: this.#deps, run: this.#run }
    plan(
      {
        streamId: run.streamId,
        windowed: context.connector.windowed,
        strategy: context.strategy,
        granularity: context.granularity,
        zone: context.source.zone,
        start: context.start,
        frontier: context.frontier,
        lookbackMs: context.lookbackMs,
      },
      {
        ranges: deps.ranges,
        now: deps.now,
        saveFrontier: (streamId, frontier) => {
          deps.config.saveFrontier(streamId, frontier)
          this.#step()
        },
        onChanged: (rows) => this.#report.rangesChanged(rows),
      },
      window,
    )
      .catch((error: unknown) => {
        this.#stoppedBy = toFailure(error)
      })
      .finally(() => {
        this.#planning -= 1
        this.#step()
      })
  }

  enqueue(): void {
    this.#phase = 'queued'
    this.#save({ status: 'queued' })
    this.#deps.queue.add({
      runId: this.#run.id,
      streamId: this.#run.streamId,
      sourceId: this.#context.source.id,
      lane: this.#next(this.#context)?.lane ?? 'history',
      queuedAt: this.#deps.now(),
    })
  }

  /** Both permits were taken for this run. */
  granted(): void {
    this.#phase = 'running'
    this.#heldSince = this.#deps.now()
    const first = this.#run.startedAt === null
    this.#save({ status: 'running', startedAt: this.#run.startedAt ?? this.#deps.now() })
    if (first) this.#report.log('info', 'run.started', `sync of ${this.#context.title} started`)
    this.#step()
  }

  /** Puts what is in flight back to pending and ends the run; answers within a second or so. */
  cancel(): void {
    if (this.#phase === 'ended' || this.#ending === 'cancel') return
    const { config } = this.#deps
    config.setHeldLanes(this.#run.streamId, this.#context.heldLanes | lanesHeldByCancel)
    this.#end('cancel')
  }

  /** Takes no new range; those that can commit in time do. */
  stop(): void {
    this.#end('stop', { letCommit: true })
  }

  /** The time for commits is over: everything in flight goes back to pending. */
  stopNow(): void {
    this.#inFlight.cancelAll('stop')
  }

  /** Configuration changed, a limit was raised, or a wait is over. */
  poke(): void {
    this.#step()
  }

  #end(ending: Exclude<Ending, null>, { letCommit = false } = {}): void {
    if (this.#phase === 'ended') return
    this.#ending = ending
    this.#deps.queue.remove(this.#run.id)
    this.#report.runChanged()
    if (!letCommit) this.#inFlight.cancelAll('cancel')
    this.#step()
  }

  #step(): void {
    if (this.#phase === 'ended') return
    this.#forgetWake?.()
    this.#forgetWake = undefined
    if (this.#ending !== null) {
      this.#finishEnding()
      return
    }
    if (this.#phase === 'queued') return
    const context = this.#refresh()
    if (!context) return
    const reason = this.#stoppedBy ?? pausedBy(context)
    if (reason) {
      if (this.#inFlight.size === 0 && this.#planning === 0) this.#finish(reason)
      return
    }
    if (this.#waitForSource(context)) return
    if (this.#shouldYield(context)) {
      this.#ending = 'yield'
      this.#finishEnding()
      return
    }
    this.#fill(context)
    if (this.#inFlight.size > 0 || this.#planning > 0) return
    if (this.#stoppedBy) this.#finish(this.#stoppedBy)
    // With work left, other runs hold the source's bound: the end of one of their ranges wakes this one.
    else if (!this.#next(context)) this.#idle(context)
  }

  /** Only a run with work left yields: one that is at its end would wait for permits just to say so. */
  #shouldYield(context: StreamContext): boolean {
    const next = this.#next(context)
    if (!next) return false
    return this.#deps.queue.wants(context.source.id, next.lane, this.#heldSince, this.#deps.now())
  }

  /** Dispatches ranges until the stream's or the source's bound is met. */
  #fill(context: StreamContext): void {
    const parallel = parallelRanges(context)
    while (this.#inFlight.size < parallel) {
      if (this.#host.sourceInFlight(context.source.id) >= context.source.maxInFlight) return
      const row = this.#next(context)
      if (!row) return
      this.#waiting = undefined
      try {
        this.#inFlight.dispatch(context, row, this.#run.id)
      } catch (error) {
        this.#stoppedBy = toFailure(error)
        return
      }
    }
  }

  #rangeEnded(row: RangeRow, outcome: RangeOutcome): void {
    if (outcome.kind === 'completed') {
      this.#sameFailure = { code: '', count: 0 }
      this.#save({
        rangesComplete: this.#run.rangesComplete + 1,
        records: this.#run.records + outcome.receipt.records,
        bytes: this.#run.bytes + outcome.receipt.bytes,
        pages: this.#run.pages + outcome.progress.pages,
      })
    } else if (outcome.kind !== 'cancelled') {
      this.#rangeFailed(row, outcome.failure)
    }
  }

  #rangeFailed(row: RangeRow, failed: Failure): void {
    const deps = this.#deps
    const waits =
      row.status === 'failed' &&
      failed.category === 'rate_limit' &&
      failed.retry_after_ms !== undefined
    const what = `${this.#context.title} ${rangeTitle(row)}`
    this.#report.log(
      waits ? 'info' : 'warn',
      'range.failed',
      `${what}: ${failureText(failed)}`,
      row.id,
      {
        failure: failed,
      },
    )
    if (failed.category === 'auth') pauseAfterRefusal(failed, this.#context, this.#deps)
    if (waits) deps.config.setSourcePausedUntil(this.#context.source.id, row.dueAt)
    const same = this.#sameFailure.code === failed.code
    this.#sameFailure = { code: failed.code, count: same ? this.#sameFailure.count + 1 : 1 }
    const systemic = failed.category === 'destination' || failed.code === 'worker.died'
    if (systemic && this.#sameFailure.count >= hopelessAfter) this.#stoppedBy = failed
    this.#save({})
  }

  /** True while the API asked us to wait: nothing new is sent to that source, and others may use the permits. */
  #waitForSource({ source }: StreamContext): boolean {
    const { now } = this.#deps
    if (source.pausedUntil === null || source.pausedUntil <= now()) return false
    this.#waiting = `${source.name} asked to wait until ${new Date(source.pausedUntil).toISOString()}`
    if (this.#inFlight.size > 0) return true
    if (this.#deps.queue.size > 0) {
      this.#ending = 'yield'
      this.#finishEnding()
    } else this.#wakeAt(source.pausedUntil)
    return true
  }

  #idle(context: StreamContext): void {
    const { ranges, now } = this.#deps
    const decision = decideIdle(ranges.failed(context.streamId), now())
    switch (decision.next) {
      case 'retry':
        this.#report.rangesChanged(
          decision.rangeIds.map((id) => ranges.change(id, { kind: 'retry', resetFailures: false })),
        )
        this.#step()
        return
      case 'wait':
        this.#waiting = `failed ranges are tried again at ${new Date(decision.untilMs).toISOString()}`
        this.#report.runChanged()
        this.#wakeAt(decision.untilMs)
        return
      case 'end':
        this.#finish(null)
        return
    }
  }

  #finishEnding(): void {
    if (this.#inFlight.size > 0) return
    const held = this.#phase === 'running'
    switch (this.#ending) {
      case 'yield':
        this.#ending = null
        this.#release(held)
        this.enqueue()
        this.#host.permitsReturned()
        return
      case 'stop':
        // The same run goes on after the next start.
        this.#phase = 'ended'
        this.#save({ status: 'queued' })
        this.#release(held)
        this.#host.ended(this)
        return
      default:
        if (this.#planning > 0) return
        this.#finish(null, 'cancelled')
        return
    }
  }

  #finish(reason: Failure | null, status?: RunRow['status']): void {
    const held = this.#phase === 'running'
    this.#phase = 'ended'
    const failedRanges = this.#deps.ranges.failed(this.#run.streamId)
    const last = reason ?? failedRanges.at(-1)?.error ?? null
    const end = status ?? endStatus(this.#run.rangesComplete, failedRanges.length, reason)
    this.#save({
      status: end,
      finishedAt: this.#deps.now(),
      error: end === 'cancelled' ? null : last,
    })
    this.#release(held)
    this.#report.ended(end, last)
    this.#host.ended(this)
  }

  #release(held: boolean): void {
    if (held) this.#deps.permits.release(this.#context.source.id)
  }

  #wakeAt(at: number): void {
    this.#forgetWake = this.#deps.wakeAt(at, () => this.#step())
  }

  /** Configuration is read anew at each step; a stream that was deleted or disabled ends its run. */
  #refresh(): StreamContext | undefined {
    const context = this.#deps.config.stream(this.#run.streamId)
    if (context?.enabled) {
      this.#context = context
      return context
    }
    if (this.#ending === null) this.#end('cancel')
    return undefined
  }

  /** The range that comes next by strategy; its lane is where the run stands among others. */
  #next(context: StreamContext): RangeRow | undefined {
    const { ranges, now } = this.#deps
    return ranges.next(context.streamId, context.strategy, context.heldLanes, now())
  }

  #save(changes: Partial<RunRow>): void {
    this.#run = { ...this.#run, ...changes }
    this.#run = { ...this.#run, ...this.#counts() }
    this.#deps.runs.save(this.#run)
    this.#report.runChanged()
  }

  #counts(): Pick<RunRow, 'rangesTotal' | 'rangesFailed'> {
    const { ranges, config } = this.#deps
    const counts = config.stream(this.#run.streamId)?.counts
    if (!counts) return { rangesTotal: this.#run.rangesTotal, rangesFailed: this.#run.rangesFailed }
    const pending =
      this.#context.heldLanes === 0
        ? counts.pending
        : ranges.countPending(this.#run.streamId, this.#context.heldLanes)
    return {
      rangesFailed: counts.failed,
      rangesTotal: this.#run.rangesComplete + pending + counts.running + counts.failed,
    }
  }
}
