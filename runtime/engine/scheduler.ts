import { setInterval } from 'node:timers'
import { toFailure } from '../../schema/error.ts'
import type { EngineDeps } from './context.ts'
import type { Engine } from './engine.ts'
import { isDue } from './schedule.ts'

export const tickMs = 10_000

export interface SchedulerDuties {
  /** duties of other parts, in the concept's order, before streams are looked at */
  before: (() => void)[]
}

/** The background task: each tick looks at what is due and starts it. A tick that throws is logged; the next one comes. */
export class Scheduler {
  readonly #deps: Pick<EngineDeps, 'config' | 'ranges' | 'now'>
  readonly #engine: Pick<Engine, 'syncStream'>
  readonly #duties: SchedulerDuties
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #lastTickAt: number | null = null

  constructor(
    deps: Pick<EngineDeps, 'config' | 'ranges' | 'now'>,
    engine: Pick<Engine, 'syncStream'>,
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
    this.tick()
    this.#timer = setInterval(() => this.tick(), tickMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  tick(): void {
    this.#lastTickAt = this.#deps.now()
    for (const duty of this.#duties.before) this.#guard(duty)
    this.#guard(() => this.#startScheduled())
    this.#guard(() => this.#startRetries())
  }

  #startScheduled(): void {
    const { config, now } = this.#deps
    for (const streamId of config.scheduledStreams()) {
      const stream = config.stream(streamId)
      if (!stream?.schedule || !stream.enabled || stream.source.paused || stream.pausedReason)
        continue
      const since = stream.lastScheduledAt ?? now()
      if (stream.lastScheduledAt === null) config.setScheduledAt(streamId, now())
      if (!isDue(stream.schedule, stream.scheduleZone, since, now())) continue
      config.setScheduledAt(streamId, now())
      this.#guard(() => void this.#engine.syncStream(streamId, 'schedule'))
    }
  }

  /** Failed ranges that have come due, of streams without an active run: a run of their own. */
  #startRetries(): void {
    const { config, ranges, now } = this.#deps
    for (const streamId of ranges.streamsWithDueFailures(now())) {
      const stream = config.stream(streamId)
      if (!stream?.enabled || stream.source.paused || stream.pausedReason) continue
      this.#guard(() => void this.#engine.syncStream(streamId, 'retry'))
    }
  }

  #guard(duty: () => void): void {
    try {
      duty()
    } catch (error) {
      this.#onError(toFailure(error))
    }
  }
}
