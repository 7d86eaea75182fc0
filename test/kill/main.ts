/**
 * `npm run test:kill -- [--kills 300] [--seed N] [--mode random|syscall|zombie|fault] [--sabotage NAME]
 *   [--destination local_file|postgres]`
 * `npm run test:kill -- --records 10000000 [--days 1095] [--kill-every 5] [--destination local_file|postgres]`
 * Kills the executable again and again and compares the destination with the truth after each kill. Exit code: 0 nothing
 * was found, 1 a promise was broken (or, sabotaged, the breach was noticed), 2 wrong usage.
 */
import { existsSync } from 'node:fs'
import { type DerrickOptions, executable } from '../support/derrick.ts'
import { breakConnections } from './network-faults.ts'
import { openPlace } from './open-place.ts'
import { type KillOptions, parseKillOptions } from './options.ts'
import { isDatabase } from './postgres-place.ts'
import { makeRandom, type Random } from './random.ts'
import { finish, killAtRandom, setUp } from './random-kills.ts'
import { sabotagedExecutable } from './sabotaged-executable.ts'
import { runAtScale } from './scale.ts'
import { openScene, type Scene } from './scene.ts'
import { killAtCalls } from './syscall-kills.ts'
import { reportText, Tally } from './tally.ts'
import { overtake } from './zombies.ts'

/** So many violations say enough: the run ends. */
const enough = 20

async function executableFor(options: KillOptions): Promise<NonNullable<DerrickOptions['run']>> {
  if (options.source) return 'source'
  if (options.sabotage !== '') {
    return { file: await sabotagedExecutable(), env: { DERRICK_SABOTAGE: options.sabotage } }
  }
  if (existsSync(executable)) return { file: executable }
  throw new Error('dist/derrick is missing: npm run build')
}

async function killBy(
  scene: Scene,
  random: Random,
  tally: Tally,
  { mode, kills, zombies }: KillOptions,
  limit: number,
): Promise<void> {
  const bounds = { kills, points: kills, rounds: zombies, enough: limit }
  if (mode === 'random') await killAtRandom(scene, random, tally, bounds)
  if (mode === 'syscall') await killAtCalls(scene, random, tally, bounds)
  if (mode === 'fault' && isDatabase(scene.place)) {
    await breakConnections(scene, scene.place, random, tally, bounds)
  }
  if (zombies > 0) await overtake(scene, random, tally, bounds)
}

async function runLarge(
  options: KillOptions,
  scale: NonNullable<KillOptions['scale']>,
): Promise<number> {
  const { seed, destination, keep } = options
  const tally = new Tally()
  const type = destination === 'local_file' ? destination : 'postgres'
  const run = await executableFor(options)
  const figures = await runAtScale({ ...scale, seed, destination: type, run, keep }, tally)
  const summary = tally.summary({ mode: 'scale', seed, destination, ...figures })
  process.stdout.write(`${reportText(tally, summary)}${JSON.stringify(summary)}\n`)
  return tally.failed ? 1 : 0
}

async function run(options: KillOptions): Promise<number> {
  if (options.scale) return runLarge(options, options.scale)
  const random = makeRandom(options.seed)
  const tally = new Tally()
  const scene = await openScene(options.seed, await executableFor(options), (home) =>
    openPlace(options, home),
  )
  const limit = options.sabotage === '' ? enough : 1
  try {
    await setUp(scene)
    await killBy(scene, random, tally, options, limit)
    if (tally.violations.length < limit) tally.found('end', await finish(scene))
    const summary = tally.summary({
      mode: options.mode,
      seed: options.seed,
      sabotage: options.sabotage,
      destination: options.destination,
      compared: scene.judge.compared,
    })
    process.stdout.write(`${reportText(tally, summary)}${JSON.stringify(summary)}\n`)
  } finally {
    await scene.close(options.keep)
    if (options.keep) process.stdout.write(`kept: ${scene.home.path}\n`)
  }
  return tally.failed ? 1 : 0
}

const options = parseKillOptions(process.argv.slice(2))
if ('problem' in options) process.stderr.write(`${options.problem}\n`)
process.exitCode = 'problem' in options ? 2 : await run(options)
