/** Fresh data beside a backfill of three years, in virtual time: how many requests are sent before the first of theirs. */
import { makeRandom } from '../kill/random.ts'
import { day, noon } from '../runtime/engine/harness.ts'
import { SimWorld, type StreamId, type WorldRules } from './world.ts'

/** What is in the way. */
export interface FreshScene {
  title: string
  rules: WorldRules
  /** the stream in the middle of its backfill, and the one whose new day is asked for */
  backfill: StreamId
  fresh: StreamId
  /** the backfill holds the only permit that there is */
  onePermit?: boolean
}

const backfillDays = 1_095
const mostSteps = 200_000
/** The backfill has its pace by then, and has used up what its rate limits allow. */
const backfillRequests = 60

const limits = [
  { requests: 6, per_ms: 1_000 },
  { requests: 90, per_ms: 60_000 },
]
const rules = (maxInFlight: number, own: typeof limits = []): WorldRules => ({
  x: { maxInFlight, limits: own },
  y: { maxInFlight: 8, limits: [] },
})

const beside = { backfill: 's0', fresh: 's1' } as const
export const freshScenes: FreshScene[] = [
  { title: 'eight at once', rules: rules(8), ...beside },
  { title: 'one at once', rules: rules(1), ...beside },
  { title: 'rate limits', rules: rules(3, limits), ...beside },
  { title: 'rate limits, one at once', rules: rules(1, limits), ...beside },
  { title: 'its own backfill', rules: rules(3), backfill: 's1', fresh: 's1' },
  { title: 'one permit', rules: rules(8), ...beside, onePermit: true },
  {
    title: 'one permit, other source',
    rules: rules(8),
    ...beside,
    backfill: 's2',
    onePermit: true,
  },
]

/**
 * Requests, of whatever source, that are sent between the moment when a new day of the second stream is due and its first
 * request; and how long that takes. The first stream is in the middle of its backfill, or has none.
 */
export async function waited(
  seed: number,
  scene: FreshScene,
  isBackfilling: boolean,
): Promise<{ requests: number; ms: number }> {
  const world = new SimWorld(makeRandom(seed), scene.rules)
  const { engine, loop, deps } = world.life
  const { backfill, fresh } = scene
  if (scene.onePermit) deps.permits.setLimits({ global: 1, perSource: 1 })
  const shared = { parallelRanges: 'auto', strategy: 'newest_first' } as const
  const schedule = '* * * * *'
  world.change(fresh, { ...shared, schedule, start: noon })
  if (isBackfilling) {
    world.change(backfill, { ...shared, start: noon - backfillDays * day })
    engine.syncStream(backfill, 'manual')
    while (world.api.requests < backfillRequests && loop.steps < mostSteps) await loop.step()
  }
  const before = world.api.requests
  const dueAt = world.now
  // A backfill has read this day long before.
  const today = Math.floor(noon / day) * day
  const host = `${world.contexts.get(fresh)?.source.id}.test`
  let first: { requests: number; ms: number } | null = null
  world.api.heard = (url) => {
    const since = Number(url.searchParams.get('since'))
    if (url.hostname !== host || since < today) return
    first ??= { requests: world.api.requests - before, ms: world.now - dueAt }
  }
  engine.syncStream(fresh, 'schedule')
  while (first === null && loop.steps < mostSteps) await loop.step()
  return first ?? { requests: Number.NaN, ms: Number.NaN }
}
