import { type Failure, toFailure } from '../../schema/error.ts'
import { planChunk, type RangeRow } from '../store/ranges.ts'
import type { RunRow } from '../store/runs.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import type { AskedWindow } from './engine.ts'
import { decideIdle, endStatus } from './idle.ts'
import type { RangeOutcome } from './range-task.ts'
import { RangesInFlight } from './ranges-in-flight.ts'
import { countsOf } from './run-counts.ts'
import type { RunHost } from './run-host.ts'
import { RunOutcomes } from './run-outcomes.ts'
import { type PlanWish, RunPlans } from './run-plans.ts'
import { RunProgress } from './run-progress.ts'
import type { WantedBy } from './run-queue.ts'
import { makeRunReport, type RunReport } from './run-report.ts'
import { RunScope } from './run-scope.ts'
import { RunWait } from './run-wait.ts'
import { askedWait, lanesHeldByCancel, pausedBy } from './stream-rules.ts'

/** In longer waits a run gives its permits to whoever can use them. */
const offeredWaitMs = 3_000

type Ending = 'cancel' | 'expire' | 'stop' | 'yield' | null

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
  readonly #plans: RunPlans
  /** its ranges are held between two requests while somebody fresher has its permits */
  #isParking = false
  readonly #scope = new RunScope()
  readonly #wait: RunWait
  #stoppedBy: Failure | null = null
  readonly #outcomes: RunOutcomes
  #heldSince = 0
  #queuedAt = 0
  constructor(run: RunRow, context: StreamContext, deps: EngineDeps, host: RunHost) {
    this.#run = run
    this.#context = context
    this.#deps = deps
    this.#host = host
    this.#wait = new RunWait(deps)
    this.#outcomes = new RunOutcomes(deps)
    this.#inFlight = new RangesInFlight(deps, {
      report: () => this.#report,
      onProgress: (rangeId, progress) => this.progress.update(rangeId, progress),
      onRead: () => this.#step(),
      onWait: (reason) => this.#wait.say(reason),
      onEnded: (rangeId, row, outcome) => {
        this.progress.remove(rangeId)
        this.#safely(() => this.#rangeEnded(row, outcome))
        this.#step()
      },
    })
    this.#plans = new RunPlans(deps, {
      onRows: (rows) => this.#report.rangesChanged(rows),
      onFrontier: () => this.#step(),
      isWanted: () => this.#phase !== 'ended' && [null, 'yield'].includes(this.#ending),
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
    const reads = this.isRunning && this.#inFlight.size > 0
    const queuedRun = this.#phase === 'queued' ? this.#run.id : null
    return this.#wait.shown(this.#context.source, { reads, queuedRun })
  }
  /** Something that is shown of it changed outside. */
  tell(): void {
    this.#report.runChanged()
  }
  get heldSince(): number {
    return this.#heldSince
  }
  /** Holds permits. */
  get isRunning(): boolean {
    return this.#phase === 'running'
  }

  /** Plans what is due, or one window, into this run, also while it runs; what is planned can be picked at once. */
  plan(wish: PlanWish = {}): void {
    const context = this.#refresh()
    if (!context) return
    this.#scope.add(context.connector.windowed ? wish.window : undefined)
    void this.#plans
      .make(context, wish)
      .catch((error: unknown) => {
        this.#stoppedBy = toFailure(error)
      })
      .then(() => this.#hasMore())
  }

  /** Reads a window as well, whose ranges are pending already. */
  read(window: AskedWindow): void {
    this.#scope.add(window)
    this.#hasMore()
  }

  /** It may stand in a fresher lane now, or have something to do again. */
  #hasMore(): void {
    this.#wait.notBefore = 0
    if (this.#phase === 'queued') this.#wait.say(undefined)
    if (this.#deps.queue.has(this.#run.id)) this.#safely(() => this.#standInLine())
    this.#host.permitsReturned()
    this.#step()
  }

  enqueue(): void {
    this.#phase = 'queued'
    this.#queuedAt = this.#deps.now()
    this.#save({ status: 'queued' })
    this.#standInLine()
    const { notBefore } = this.#wait
    if (notBefore > 0) this.#wait.wake(notBefore, () => this.#host.permitsReturned())
  }

  #standInLine(): void {
    this.#deps.queue.add({
      runId: this.#run.id,
      streamId: this.#run.streamId,
      sourceId: this.#context.source.id,
      lane: this.#next(this.#context)?.lane ?? this.#inFlight.lane ?? 'history',
      isParked: this.#inFlight.size > 0,
      queuedAt: this.#queuedAt,
      notBefore: this.#wait.notBefore,
    })
  }

  /** Both permits were taken for this run. */
  granted(): void {
    this.#phase = 'running'
    this.#wait.notBefore = 0
    this.#heldSince = this.#deps.now()
    this.#isParking = false
    this.#host.turns.unpark(this)
    const first = this.#run.startedAt === null
    this.#save({ status: 'running', startedAt: this.#run.startedAt ?? this.#deps.now() })
    if (first) this.#report.log('info', 'run.started', `sync of ${this.#context.title} started`)
    this.#step()
  }

  /** Puts what is in flight back to pending and ends the run; answers within a second or so. */
  cancel(): void {
    if (this.#phase === 'ended' || this.#ending === 'cancel') return
    const held = this.#context.heldLanes | lanesHeldByCancel
    this.#deps.config.setHeldLanes(this.#run.streamId, held)
    this.#end('cancel')
  }

  /** Takes no new range; those that can commit in time do. */
  stop(): void {
    if (this.#ending === 'cancel') return
    this.#host.turns.drop(this)
    this.#end('stop', { letCommit: true })
  }

  /** The time for commits is over: everything in flight goes back to pending. */
  stopNow(): void {
    this.#inFlight.cancelAll('stop')
  }

  /** Ends it for a reason of its own; what is left stays pending, and the next run goes on with it. */
  expire(reason: Failure): void {
    if (this.#phase === 'ended' || (this.#ending !== null && this.#ending !== 'yield')) return
    this.#stoppedBy ??= reason
    if (this.#phase === 'queued') this.#end('expire')
    else this.#inFlight.cancelAll('cancel')
    this.#step()
  }

  /** Configuration changed, a limit was raised, or a wait is over. */
  poke(): void {
    // A queued run notices here that its stream was disabled; a running one looks at each step.
    if (this.#phase === 'queued' || this.#ending === 'yield') this.#refresh()
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
    this.#safely(() => (this.#ending === null ? this.#advance() : this.#finishEnding()))
  }

  /** A fault of ours ends this run, never the process with all others. */
  #safely(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#stoppedBy = toFailure(error)
      this.#inFlight.cancelAll('cancel')
      if (this.#inFlight.size === 0 && this.#phase !== 'ended') this.#finish(this.#stoppedBy)
    }
  }

  #advance(): void {
    if (this.#phase === 'queued') return
    this.#wait.forget()
    const context = this.#refresh()
    if (!context) return
    const paused = pausedBy(context)
    // Not counted as tries: they go on when the source does.
    if (paused) this.#inFlight.cancelAll('cancel')
    const reason = this.#stoppedBy ?? paused
    if (reason) {
      if (this.#inFlight.size === 0 && !this.#plans.isBusy) this.#finish(reason)
      return
    }
    if (this.#waitForSource(context)) return
    const wantedBy = this.#wantedBy(context)
    if (wantedBy) this.#yield(0, wantedBy === 'fresher')
    else this.#work(context)
  }

  #work(context: StreamContext): void {
    const unbuilt = this.#inFlight.fill(context, this.#run.id, {
      next: () => this.#next(context),
      takeTurn: (wish) => this.#host.takeTurn(this, context.source, wish),
      onDispatch: () => this.#wait.say(undefined),
    })
    this.#stoppedBy = unbuilt ?? this.#stoppedBy
    if (this.#inFlight.size > 0 || this.#plans.isBusy) return
    if (this.#stoppedBy) this.#finish(this.#stoppedBy)
    // With work left it stands in line at its source.
    else if (!this.#next(context)) this.#idle(context)
  }

  /** Who else should have its permits; nobody takes them from a run that would only say that it is at its end. */
  #wantedBy(context: StreamContext): WantedBy | null {
    if (this.#deps.queue.size === 0) return null
    const next = this.#next(context)?.lane
    const lane = next ?? this.#inFlight.lane
    const wantedBy = lane ? this.#host.permitsWanted(this, lane) : null
    return wantedBy === 'fair' && next === undefined ? null : wantedBy
  }

  #rangeEnded(row: RangeRow | null, outcome: RangeOutcome): void {
    const told = { context: this.#context, report: this.#report }
    const change = row && this.#outcomes.take(this.#run, row, outcome, told)
    if (!change) return
    this.#stoppedBy = change.stoppedBy ?? this.#stoppedBy
    this.#save(change.changes)
    if (change.isRefused) this.#host.sourcePaused(this.#context.source.id)
  }

  /** True while the API asked us to wait: nothing new is sent to that source. */
  #waitForSource({ source }: StreamContext): boolean {
    const asked = askedWait(source, this.#deps.now())
    if (asked && this.#inFlight.size === 0) this.#waitUntil(asked.until, asked.why)
    return asked !== undefined
  }

  /** Waits, in a longer wait without its permits when others can use them. */
  #waitUntil(at: number, why: string): void {
    const isNew = this.#wait.say(why)
    if (at - this.#deps.now() > offeredWaitMs && this.#host.permitsWanted(this, null)) {
      this.#yield(at)
      return
    }
    if (isNew) this.#report.runChanged()
    this.#wait.wake(at, () => this.#step())
  }

  /** @param parks its ranges are held until it goes on, instead of being read to their end first */
  #yield(notBefore: number, parks = false): void {
    this.#wait.notBefore = notBefore
    this.#ending = 'yield'
    this.#isParking = parks
    if (this.#isParking) this.#host.turns.park(this)
    this.#finishEnding()
  }

  #idle(context: StreamContext): void {
    const { ranges, now } = this.#deps
    const decision = decideIdle(this.#scope.nextFailedDue(ranges, context.streamId), now())
    if (decision.next === 'end') this.#finish(null)
    else if (decision.next === 'wait') {
      const until = new Date(decision.untilMs).toISOString()
      this.#waitUntil(decision.untilMs, `failed ranges are tried again at ${until}`)
    } else {
      const due = this.#scope.failedDue(ranges, context.streamId, now(), planChunk)
      const retry = { kind: 'retry', resetFailures: false } as const
      this.#report.rangesChanged(due.map(({ id }) => ranges.change(id, retry)))
      this.#step()
    }
  }

  #finishEnding(): void {
    this.#wait.forget()
    if (this.#isParking && this.#ending === 'yield' && !this.#wantedBy(this.#context)) {
      // Whoever wanted its permits has others by now.
      this.#ending = null
      this.#isParking = false
      this.#host.turns.unpark(this)
      this.#step()
      return
    }
    // What only commits needs no permit of a fresher run.
    const isBusy =
      this.#isParking && this.#ending === 'yield'
        ? this.#inFlight.reading > this.#host.turns.held(this)
        : this.#inFlight.size > 0
    if (isBusy) return
    const held = this.#phase === 'running'
    switch (this.#ending) {
      case 'yield':
        this.#ending = null
        if (this.#wait.notBefore === 0) this.#wait.say(undefined)
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
        if (this.#plans.isBusy) return
        if (this.#ending === 'expire') this.#finish(this.#stoppedBy)
        else this.#finish(null, 'cancelled')
        return
    }
  }

  #finish(reason: Failure | null, status?: RunRow['status']): void {
    const held = this.#phase === 'running'
    this.#phase = 'ended'
    this.#wait.forget()
    this.#deps.queue.remove(this.#run.id)
    const { rangesFailed } = countsOf(this.#run, this.#scope, this.#deps)
    const last =
      reason ?? this.#scope.lastFailed(this.#deps.ranges, this.#run.streamId)?.error ?? null
    const end = status ?? endStatus(this.#run.rangesComplete, rangesFailed, reason)
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

  /** Configuration is read anew at each step; a stream that was deleted or disabled ends its run. */
  #refresh(): StreamContext | undefined {
    const context = this.#deps.config.stream(this.#run.streamId)
    if (context?.enabled) {
      this.#context = context
      return context
    }
    if (this.#ending === null || this.#ending === 'yield') this.#end('cancel')
    return undefined
  }

  /** The range that comes next by strategy; its lane is where the run stands among others. */
  #next(context: StreamContext): RangeRow | undefined {
    return this.#scope.next(this.#deps.ranges, context, this.#deps.now())
  }

  #save(changes: Partial<RunRow>): void {
    this.#run = { ...this.#run, ...changes }
    this.#run = { ...this.#run, ...countsOf(this.#run, this.#scope, this.#deps) }
    this.#deps.runs.save(this.#run)
    this.#report.runChanged()
  }
}
