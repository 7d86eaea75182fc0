/** How many requests fresh data wait behind, with and without a backfill of three years, in virtual time. */
import { makeRandom } from '../../test/kill/random.ts'
import { day, noon } from '../../test/runtime/engine/harness.ts'
import { SimWorld } from '../../test/simulate/world.ts'

export interface FreshFigures {
  without: number
  with: number
}

const backfillDays = 1_095
const mostSteps = 200_000

/**
 * Requests of the source that are sent between the moment when a new day of the second stream is asked for and its first
 * request; the first stream is in the middle of its backfill, or has none. The mean over some seeds.
 */
export async function measureFresh(seeds: number): Promise<FreshFigures> {
  const sum = { without: 0, with: 0 }
  for (let seed = 1; seed <= seeds; seed++) {
    sum.without += await waitedBehind(seed, false)
    sum.with += await waitedBehind(seed, true)
  }
  return { without: sum.without / seeds, with: sum.with / seeds }
}

async function waitedBehind(seed: number, isBackfilling: boolean): Promise<number> {
  const world = new SimWorld(makeRandom(seed))
  const { engine, loop } = world.life
  world.change('s0', {
    start: noon - backfillDays * day,
    parallelRanges: 'auto',
    strategy: 'newest_first',
  })
  world.change('s1', { start: noon, parallelRanges: 'auto', strategy: 'newest_first' })
  if (isBackfilling) {
    engine.syncStream('s0', 'manual')
    while (world.api.requests < 60 && loop.steps < mostSteps) await loop.step()
  }
  const before = world.api.requests
  // The backfill has read this day long before.
  const today = String(Math.floor(noon / day) * day)
  let first: number | null = null
  world.api.heard = (url) => {
    if (url.searchParams.get('since') === today) first ??= world.api.requests - before
  }
  engine.syncStream('s1', 'schedule')
  while (first === null && loop.steps < mostSteps) await loop.step()
  return first ?? Number.NaN
}
