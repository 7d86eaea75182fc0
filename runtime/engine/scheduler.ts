import { setInterval } from 'node:timers'
import { toFailure } from '../../schema/error.ts'
import { breathe } from './breathe.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import type { Engine } from './engine.ts'
import { makeDueCheck } from './schedule.ts'
import { pausedBy } from './stream-rules.ts'

export const tickMs = 10_000
/** Streams looked at before others have their turn. */
const lookedAtOnce = 20
/** Clocks that are set right go back by less. */
const clockErrorMs = 3_600_000

export interface SchedulerDuties {
  /** duties of other parts, in the concept's order, before streams are looked at */
  before: (() => void)[]
}

type SchedulerEngine = Pick<Engine, 'syncStream' | 'endUnwanted'>
type Deps = Pick<EngineDeps, 'config' | 'ranges' | 'runs' | 'now'>

/**
 * The background task. Each tick, in this order: tokens, sessions and settings (`before`), runs that should end, schedules,
 * failed ranges that have come due; permits are taken by the queue that what it starts stands in. A duty that throws is
 * logged, and the next one follows.
 */
export class Scheduler {
  readonly #deps: Deps
  readonly #engine: SchedulerEngine
  readonly #duties: SchedulerDuties
  readonly #onError: (error: unknown) => void
  readonly #isDue = makeDueCheck()
  #timer: NodeJS.Timeout | undefined
  #lastTickAt: number | null = null
  #isLooking = false
  #isStopped = false

  constructor(
    deps: Deps,
    engine: SchedulerEngine,
    duties: SchedulerDuties,
    onError: (error: unknown) => void,
  ) {
    this.#deps = deps
    this.#engine = engine
    this.#duties = duties
    this.#onError = onError
  }

  get lastTickAt(): number | null {
    return this.#lastTickAt
  }

  start(): void {
    void this.tick()
    this.#timer = setInterval(() => void this.tick(), tickMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#isStopped = true
  }

  /** Resolves when all streams were looked at, some at a time. */
  async tick(): Promise<void> {
    this.#lastTickAt = this.#deps.now()
    for (const duty of this.#duties.before) this.#guard(duty)
    this.#guard(() => this.#engine.endUnwanted())
    if (this.#isLooking) return
    this.#isLooking = true
    const { config, ranges, now } = this.#deps
    await this.#each(config.scheduledStreams, (streamId) => this.#startScheduled(streamId))
    await this.#each(
      () => ranges.streamsWithDueFailures(now()),
      (streamId) => this.#startRetry(streamId),
    )
    this.#isLooking = false
  }

  async #each(list: () => string[], act: (streamId: string) => boolean): Promise<void> {
    let streams: string[] = []
    this.#guard(() => {
      streams = list()
    })
    let looked = 0
    for (const streamId of streams) {
      if (this.#isStopped) return
      let started = false
      this.#guard(() => {
        started = act(streamId)
      })
      if (started || ++looked % lookedAtOnce === 0) await breathe()
    }
  }

  /** True when it started something. */
  #startScheduled(streamId: string): boolean {
    const { config, now } = this.#deps
    const stream = config.stream(streamId)
    if (!stream?.schedule || !isReadable(stream)) return false
    const { schedule, scheduleZone, lastScheduledAt } = stream
    // Later than now: the clock was wrong. What it then answered must not silence the schedule until that time.
    if (lastScheduledAt === null || lastScheduledAt - now() > clockErrorMs) {
      config.setScheduledAt(streamId, now())
      return false
    }
    if (!this.#isDue(schedule, scheduleZone, lastScheduledAt, now())) return false
    // Answered only when it was: a run that is still being cancelled lets the next tick try again.
    this.#engine.syncStream(streamId, 'schedule')
    config.setScheduledAt(streamId, now())
    return true
  }

  /** Failed ranges that have come due: a run of their own. One that is active has its final pass. */
  #startRetry(streamId: string): boolean {
    const { config, runs } = this.#deps
    const stream = config.stream(streamId)
    if (!stream || !isReadable(stream) || runs.active(streamId)) return false
    this.#engine.syncStream(streamId, 'retry')
    return true
  }

  #guard(duty: () => void): void {
    try {
      duty()
    } catch (error) {
      this.#onError(toFailure(error))
    }
  }
}

const isReadable = (stream: StreamContext): boolean => stream.enabled && pausedBy(stream) === null
