import type { EngineDeps } from './context.ts'
import { upcomingFire } from './schedule.ts'
import { pausedBy } from './stream-rules.ts'

/** Streams and schedules change: what was found is looked at again after this. */
const rememberedMs = 10_000
/** Sources that are remembered. */
const mostSources = 1_000

interface Forecast {
  at: number | null
  lookedAt: number
}

/** When the streams of a source will have fresh data to read, as far as their schedules tell. */
export class FreshForecast {
  readonly #deps: Pick<EngineDeps, 'config' | 'now'>
  readonly #known = new Map<string, Forecast>()

  constructor(deps: Pick<EngineDeps, 'config' | 'now'>) {
    this.#deps = deps
  }

  /** Whether a stream of the source is due within so many ms. */
  isDueWithin(sourceId: string, ms: number): boolean {
    const at = this.#next(sourceId)
    return at !== null && at - this.#deps.now() <= ms
  }

  #next(sourceId: string): number | null {
    const now = this.#deps.now()
    const known = this.#known.get(sourceId)
    const isOld = !known || now < known.lookedAt || now - known.lookedAt >= rememberedMs
    if (!isOld && (known.at === null || now < known.at)) return known.at
    const at = this.#look(sourceId, now)
    if (this.#known.size >= mostSources) this.#known.clear()
    this.#known.set(sourceId, { at, lookedAt: now })
    return at
  }

  #look(sourceId: string, now: number): number | null {
    const { config } = this.#deps
    let soonest: number | null = null
    for (const streamId of config.streamsOfSource(sourceId)) {
      const stream = config.stream(streamId)
      if (!stream?.schedule || !stream.enabled || pausedBy(stream) !== null) continue
      const at = upcomingFire(stream.schedule, stream.scheduleZone, now)
      if (at !== null && (soonest === null || at < soonest)) soonest = at
    }
    return soonest
  }
}
