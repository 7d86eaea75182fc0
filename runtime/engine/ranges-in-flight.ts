import { type Failure, toFailure } from '../../schema/error.ts'
import type { AttemptProgress, Reject } from '../../schema/protocol.ts'
import { type Lane, lanes } from '../../schema/range.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { EngineDeps, JobInputs, StreamContext } from './context.ts'
import { buildJob } from './job.ts'
import { RangePace } from './range-pace.ts'
import {
  type RangeOutcome,
  type RangeTask,
  type RangeTaskListener,
  startRangeTask,
} from './range-task.ts'
import { type Flight, recordOutcome } from './record-outcome.ts'
import type { RunReport } from './run-report.ts'
import type { Turn, TurnWish } from './source-turns.ts'
import { parallelRanges } from './stream-rules.ts'

export interface InFlightListener {
  report: () => RunReport
  onProgress: (rangeId: number, progress: AttemptProgress) => void
  /** A range is read to its end: its place is free while it commits. */
  onRead: () => void
  onWait: (reason: string) => void
  /** The ledger holds the outcome by then; row is null when the stream was deleted meanwhile. */
  onEnded: (rangeId: number, row: RangeRow | null, outcome: RangeOutcome) => void
}

/** Where the next ranges come from, and their places at the source. */
export interface RangeSupply {
  next: () => RangeRow | undefined
  takeTurn: (wish: TurnWish) => Turn | null
  onDispatch: () => void
}

/** Waits shorter than this are shown but not logged. */
const loggedWaitMs = 1_000
/** The ledger tells of a range under way this often; one that is over sooner has its end told. */
const savedEveryMs = 1_000
/** Ranges of a run in flight, those that only commit included, for each that it may read at once. */
const inFlightForEach = 2

/** The ranges that one run has in flight: claims them, dispatches them, records how they end. */
export class RangesInFlight {
  readonly #deps: EngineDeps
  readonly #listener: InFlightListener
  readonly #tasks = new Map<number, { task: RangeTask; lane: Lane }>()
  /** those that still ask their source, with their places there */
  readonly #reading = new Map<number, Turn>()
  readonly #pace = new RangePace()

  constructor(deps: EngineDeps, listener: InFlightListener) {
    this.#deps = deps
    this.#listener = listener
  }

  get size(): number {
    return this.#tasks.size
  }

  /** The freshest lane of those that still ask their source; undefined when none does. */
  get lane(): Lane | undefined {
    return lanes.find((lane) => this.#count(lane) > 0)
  }

  /** Those that still ask their source. */
  get reading(): number {
    return this.#reading.size
  }

  /** Ranges that may be read at once. */
  #parallel(context: StreamContext): number {
    return parallelRanges(context, this.#pace.parallel)
  }

  /**
   * Whether one more may be read now. Ranges that commit leave their place to the next ones; where one range must follow
   * the other they keep it. Where the order is ours to choose, fresh ranges need no room beside others: those are held.
   */
  hasRoom(context: StreamContext, lane: Lane): boolean {
    const parallel = this.#parallel(context)
    const goesAhead = lane === 'fresh' && context.strategy === 'newest_first'
    if (parallel === 1) return (goesAhead ? this.#countTasks('fresh') : this.size) === 0
    const reading = goesAhead ? this.#count('fresh') : this.#reading.size
    return reading < parallel && this.size < (parallel + (goesAhead ? 1 : 0)) * inFlightForEach
  }

  #count(lane: Lane): number {
    let count = 0
    for (const id of this.#reading.keys()) if (this.#tasks.get(id)?.lane === lane) count += 1
    return count
  }

  #countTasks(lane: Lane): number {
    return [...this.#tasks.values()].filter((flight) => flight.lane === lane).length
  }

  cancelAll(reason: 'cancel' | 'stop'): void {
    for (const { task } of this.#tasks.values()) task.cancel(reason)
  }

  /** Dispatches ranges until the stream's or the source's bound is met; returns why one could not be. */
  fill(context: StreamContext, runId: string, supply: RangeSupply): Failure | null {
    while (this.hasRoom(context, 'fresh')) {
      const row = supply.next()
      if (!row || !this.hasRoom(context, row.lane)) return null
      const turn = supply.takeTurn({ lane: row.lane, parallel: this.#parallel(context) })
      if (!turn) return null
      supply.onDispatch()
      try {
        this.dispatch(context, row, runId, turn)
      } catch (error) {
        turn.giveBack()
        return toFailure(error)
      }
    }
    return null
  }

  /** Claims a pending range and sends it to the pool. Throws, the range pending again, when no job can be built. */
  dispatch(context: StreamContext, row: RangeRow, runId: string, turn: Turn): void {
    const deps = this.#deps
    const inputs = deps.config.jobInputs(context.streamId)
    const flight = this.#claim(row, runId)
    try {
      this.#listener.report().rangesChanged([flight.row])
      const task = this.#start(context, flight, { runId, inputs, turn })
      this.#tasks.set(row.id, { task, lane: row.lane })
      this.#reading.set(row.id, turn)
      void task.outcome.then((outcome) =>
        // One transaction for the end of this range, what its run has done, and the claim of the next one.
        deps.ranges.together(() => this.#ended(flight, outcome, context)),
      )
    } catch (error) {
      deps.ranges.change(row.id, { kind: 'release' })
      throw error
    }
  }

  #claim(row: RangeRow, runId: string): Flight {
    const { ranges, attempts, fences, now } = this.#deps
    const startedAt = now()
    const fence = fences.next()
    const flight: Flight = { row, attemptId: 0, issuedFence: null }
    ranges.together(() => {
      const times = { startedAt, finishedAt: null }
      flight.row = ranges.change(row.id, { kind: 'claim', fence, runId }, times)
      flight.attemptId = attempts.start(row.id, runId, fence, startedAt)
    })
    return flight
  }

  #start(
    context: StreamContext,
    flight: Flight,
    { runId, inputs, turn }: { runId: string; inputs: JobInputs; turn: Turn },
  ): RangeTask {
    const { pool, slots, governors, now, wakeAt, openPorts } = this.#deps
    const { row } = flight
    governors.declare(context.source, inputs.manifest)
    const task = startRangeTask(
      { ...buildJob(context, row, runId, inputs, this.#deps), hold: turn.cell },
      {
        pool,
        slots,
        commitSlotLimit: context.destination.commitSlots,
        alone: row.crashes > 0,
        now,
        wakeAt,
        openPorts,
      },
      this.#taskListener(flight, context.source.id, turn),
    )
    turn.bind({
      hold: (nth) => task.hold(nth),
      release: () => task.release(),
      giveUp: () => task.cancel('stop'),
    })
    return task
  }

  #taskListener(flight: Flight, sourceId: string, turn: Turn): RangeTaskListener {
    const deps = this.#deps
    const { report, onProgress, onRead, onWait } = this.#listener
    const { row } = flight
    let records = 0
    let savedAt = deps.now()
    return {
      onClaimed: (fence) => {
        deps.fences.seen(fence)
        flight.issuedFence = fence
      },
      onProgress: (progress) => {
        records = progress.records
        onProgress(row.id, progress)
        if (deps.now() - savedAt < savedEveryMs) return
        savedAt = deps.now()
        this.#tellOf(flight, progress)
      },
      onAsked: () => turn.asked(),
      onHeld: (nth) => turn.held(nth),
      onRead: () => {
        this.#pace.read(records, this.#reading.size, deps.now())
        this.#endReading(row.id)
        onRead()
      },
      onWait: (untilMs, reason, refused) => {
        if (refused) this.#pace.refused(deps.now())
        onWait(reason)
        if (untilMs - deps.now() > loggedWaitMs)
          report().log('info', 'source.waited', reason, row.id)
      },
      onRejects: (rejects: Reject[]) =>
        deps.attempts.addRejects(row.id, row.fence, rejects, deps.now()),
      onGovernor: (port) => {
        deps.governors.attach(sourceId, port)
        // The line of a worker with nothing to do keeps no process alive.
        port.unref()
      },
      onSignIn: (port) => {
        if (!deps.signIns) return port.close()
        deps.signIns.attach(sourceId, port)
        port.unref()
      },
      onSchemaChange: (table, columns) => report().schemaChanged(table, columns),
    }
  }

  /** Of a range that takes a while people see how far it is. */
  #tellOf({ row, issuedFence }: Flight, progress: AttemptProgress): void {
    const { ranges } = this.#deps
    const { pages, rejects } = progress
    const fence = issuedFence ?? row.fence
    const now = ranges.change(row.id, { kind: 'fence', fence }, { pages, rejects })
    this.#listener.report().rangesChanged([now])
  }

  #endReading(rangeId: number): void {
    const turn = this.#reading.get(rangeId)
    this.#reading.delete(rangeId)
    turn?.giveBack()
  }

  #ended(flight: Flight, outcome: RangeOutcome, context: StreamContext): void {
    this.#tasks.delete(flight.row.id)
    this.#endReading(flight.row.id)
    if (outcome.kind === 'failed' && outcome.failure.category === 'rate_limit')
      this.#pace.refused(this.#deps.now())
    const [row, seen] = this.#record(flight, outcome, context)
    if (row) this.#listener.report().rangesChanged([row])
    this.#listener.onEnded(flight.row.id, row, seen)
  }

  /** What can't be recorded as it was told fails: its next attempt asks the destination what is true. */
  #record(
    flight: Flight,
    outcome: RangeOutcome,
    context: StreamContext,
  ): [RangeRow | null, RangeOutcome] {
    const { ranges, config } = this.#deps
    const now = config.stream(context.streamId) ?? context
    if (!ranges.get(flight.row.id)) return [null, outcome]
    try {
      return [recordOutcome(flight, outcome, now, this.#deps), outcome]
    } catch (error) {
      const { progress } = outcome
      const failed: RangeOutcome = { kind: 'failed', failure: toFailure(error), progress }
      return [recordOutcome(flight, failed, now, this.#deps), failed]
    }
  }
}
