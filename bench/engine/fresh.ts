/** How many requests fresh data wait behind, with and without a backfill of three years, in virtual time. */
import { freshScenes, waited } from '../../test/simulate/fresh.ts'

/** Means over the seeds: requests that others sent, and ms until the first request of the fresh range. */
export interface FreshFigures {
  scene: string
  without: number
  with: number
  without_ms: number
  with_ms: number
}

export async function measureFresh(seeds: number): Promise<{ scenes: FreshFigures[] }> {
  const scenes: FreshFigures[] = []
  for (const scene of freshScenes) {
    const sums = { scene: scene.title, without: 0, with: 0, without_ms: 0, with_ms: 0 }
    for (let seed = 1; seed <= seeds; seed++) {
      const without = await waited(seed, scene, false)
      const behind = await waited(seed, scene, true)
      sums.without += without.requests / seeds
      sums.without_ms += without.ms / seeds
      sums.with += behind.requests / seeds
      sums.with_ms += behind.ms / seeds
    }
    scenes.push(sums)
  }
  return { scenes }
}
