/** Fresh data never wait behind a backfill: not for its places, its permits, its pages or what is left of a rate limit. */
import t from 'tap'
import { freshScenes, waited } from './fresh.ts'

const seeds = Array.from({ length: 20 }, (_, i) => i + 1)
t.setTimeout(300_000)

for (const scene of freshScenes) {
  t.test(`${scene.title}: nothing is sent before the first fresh request`, async (t) => {
    for (const seed of seeds) {
      const without = await waited(seed, scene, false)
      const behind = await waited(seed, scene, true)
      t.equal(behind.requests, without.requests, `seed ${seed}`)
    }
  })
}
