/** Schedules of faults against the whole core in virtual time; more of them by `npm run test:simulate`. */
import t from 'tap'
import { play } from './schedule.ts'

const schedules = 200
const firstSeed = Date.now() % 2 ** 31
t.setTimeout(300_000)

t.test(`invariants hold in ${schedules} schedules`, async (t) => {
  t.comment(`seeds from ${firstSeed}; one is replayed by npm run test:simulate -- --seed N`)
  const failed: string[] = []
  for (let seed = firstSeed; seed < firstSeed + schedules; seed++) {
    const { faults } = await play(seed)
    if (faults.length > 0) failed.push(`seed ${seed}: ${faults.slice(0, 3).join('; ')}`)
  }
  t.same(failed, [])
})

t.test('a seed replays exactly', async (t) => {
  const first = await play(42)
  t.same(await play(42), first)
  t.ok(first.steps > 50)
})
