/**
 * `npm run test:simulate -- --schedules 10000 [--seed N]`: plays schedules of faults against the core in virtual time. Each has
 * a seed of its own; `--seed` alone replays one and tells what it did.
 */
import { parseArgs } from 'node:util'
import { play } from './schedule.ts'

const { values } = parseArgs({
  options: { schedules: { type: 'string' }, seed: { type: 'string' } },
})
const schedules = Number(values.schedules ?? (values.seed === undefined ? 1_000 : 1))
const first = Number(values.seed ?? Date.now() % 2 ** 31)
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const progressEvery = 500

const begun = performance.now()
let failed = 0
let requests = 0
for (let i = 0; i < schedules; i++) {
  const seed = first + i
  const played = await play(seed, schedules === 1 ? say : undefined)
  requests += played.requests
  if (played.faults.length > 0) {
    failed += 1
    say(`seed ${seed} failed; npm run test:simulate -- --seed ${seed}`)
    for (const fault of played.faults.slice(0, 5)) say(`  ${fault}`)
  }
  if ((i + 1) % progressEvery === 0)
    say(
      `${i + 1} schedules, ${failed} failed, ${Math.round((performance.now() - begun) / 1_000)} s`,
    )
}
say(`${schedules - failed} passed, ${failed} failed (first seed ${first}, ${requests} requests)`)
process.exitCode = failed > 0 ? 1 : 0
