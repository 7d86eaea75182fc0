import { toFailure } from '../../schema/error.ts'
import type { AttemptProgress, Reject } from '../../schema/protocol.ts'
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
import { parallelRanges } from './stream-rules.ts'

/** Ranges in flight of a source, over all its runs: together they stay under its bound. */
export interface SourceLoad {
  giveTurnBack(sourceId: string): void
}

export interface InFlightListener {
  report: () => RunReport
  onProgress: (rangeId: number, progress: AttemptProgress) => void
  /** A range is read to its end: its place is free while it commits. */
  onRead: () => void
  onWait: (reason: string) => void
  /** The ledger holds the outcome by then; row is null when the stream was deleted meanwhile. */
  onEnded: (rangeId: number, row: RangeRow | null, outcome: RangeOutcome) => void
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
  readonly #load: SourceLoad
  readonly #listener: InFlightListener
  readonly #tasks = new Map<number, RangeTask>()
  /** those that still ask their source */
  readonly #reading = new Set<number>()
  readonly #pace = new RangePace()

  constructor(deps: EngineDeps, load: SourceLoad, listener: InFlightListener) {
    this.#deps = deps
    this.#load = load
    this.#listener = listener
  }

  get size(): number {
    return this.#tasks.size
  }

  /**
   * Whether one more may be read now. Ranges that commit leave their place to the next ones; where one range must follow
   * the other they keep it.
   */
  hasRoom(context: StreamContext): boolean {
    const parallel = parallelRanges(context, this.#pace.parallel)
    if (parallel === 1) return this.size === 0
    return this.#reading.size < parallel && this.size < parallel * inFlightForEach
  }

  cancelAll(reason: 'cancel' | 'stop'): void {
    for (const task of this.#tasks.values()) task.cancel(reason)
  }

  /** Claims a pending range and sends it to the pool. Throws, the range pending again, when no job can be built. */
  dispatch(context: StreamContext, row: RangeRow, runId: string): void {
    const deps = this.#deps
    const inputs = deps.config.jobInputs(context.streamId)
    const flight = this.#claim(row, runId)
    try {
      this.#listener.report().rangesChanged([flight.row])
      const task = this.#start(context, flight, runId, inputs)
      this.#tasks.set(row.id, task)
      this.#reading.add(row.id)
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

  #start(context: StreamContext, flight: Flight, runId: string, inputs: JobInputs): RangeTask {
    const { pool, slots, governors, now, wakeAt, openPorts } = this.#deps
    const { row } = flight
    governors.declare(context.source, inputs.manifest)
    return startRangeTask(
      buildJob(context, row, runId, inputs, this.#deps),
      {
        pool,
        slots,
        commitSlotLimit: context.destination.commitSlots,
        alone: row.crashes > 0,
        now,
        wakeAt,
        openPorts,
      },
      this.#taskListener(flight, context.source.id),
    )
  }

  #taskListener(flight: Flight, sourceId: string): RangeTaskListener {
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
      onRead: () => {
        this.#pace.read(records, this.#reading.size, deps.now())
        this.#endReading(row.id, sourceId)
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

  #endReading(rangeId: number, sourceId: string): void {
    if (this.#reading.delete(rangeId)) this.#load.giveTurnBack(sourceId)
  }

  #ended(flight: Flight, outcome: RangeOutcome, context: StreamContext): void {
    this.#tasks.delete(flight.row.id)
    this.#endReading(flight.row.id, context.source.id)
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
