import { ApiRefusal, type Derrick, waitUntilReady } from '../support/derrick.ts'
import { dayMs, hourMs, streamNames } from './installation.ts'
import type { Violation } from './judge.ts'
import { awaitMoment, chooseMoment } from './moment.ts'
import type { Random } from './random.ts'
import type { Scene } from './scene.ts'
import type { Tally } from './tally.ts'

const clockMoves = 0.3
const shortestMoveMs = 10 * 60_000
const longestMoveMs = hourMs
/** After so many kills everything may come to rest once, and is then judged as a whole. */
const killsBetweenRests = 15

/**
 * Kills the program at random moments of its work, again and again over one data dir, and judges destination and ledger
 * after each kill. Stops early when `enough` violations were found.
 */
export async function killAtRandom(
  scene: Scene,
  random: Random,
  tally: Tally,
  { kills, enough }: { kills: number; enough: number },
): Promise<void> {
  for (let kill = 1; kill <= kills && tally.violations.length < enough; kill++) {
    if (random.chance(clockMoves)) {
      await scene.moveClock(random.between(shortestMoveMs, longestMoveMs))
      tally.clockMoves += 1
    }
    const moment = chooseMoment(random)
    const derrick = scene.main.spawn()
    const work = giveWork(scene, derrick, random, tally)
    await awaitMoment(moment, scene.place, derrick.child.exited, work)
    await derrick.kill9()
    await work
    tally.killed(moment.kind)
    await noteDeath(derrick, tally)
    tally.found(`kill ${kill}`, await scene.look())
    if (kill % killsBetweenRests !== 0) continue
    tally.found(`rest ${kill}`, await rest(scene))
    process.stderr.write(`${kill} of ${kills} kills, ${tally.violations.length} violations\n`)
  }
}

/** Makes source, destination and streams; nothing is read yet. */
export async function setUp(scene: Scene): Promise<void> {
  const derrick = await scene.main.start()
  await scene.main.configure(derrick, scene.shop, scene.place)
  await derrick.kill9()
}

/** A process that ended by itself before our signal is a finding of its own. */
export async function noteDeath(derrick: Derrick, tally: Tally): Promise<void> {
  const { signal, code } = await derrick.child.exited
  if (signal !== 'SIGKILL') tally.crashed(`ended with ${signal ?? code}: ${derrick.log()}`)
}

/** Asks for what is due and for a window once more; the kill may come at any point of this. */
async function giveWork(
  scene: Scene,
  derrick: Derrick,
  random: Random,
  tally: Tally,
): Promise<void> {
  const name = random.pick(streamNames)
  const fromMs = Date.now() - random.between(3, 11) * dayMs
  const toMs = fromMs + random.between(1, 4) * dayMs
  try {
    await waitUntilReady(derrick)
    await scene.main.sync(derrick)
    await scene.main.resync(derrick, name, fromMs, toMs)
  } catch (error) {
    // No answer, because it is dead: what this is all about.
    if (error instanceof ApiRefusal) tally.crashed(error.message)
  }
}

/** One life in which everything that is due is read, and what is to be seen after it. */
export async function rest(scene: Scene): Promise<Violation[]> {
  const derrick = await scene.main.start()
  await scene.main.sync(derrick)
  await scene.main.settle(derrick)
  await derrick.stop()
  return await scene.lookAtRest()
}

/** Everything is read once more from the source as it is now, and must then be exactly that. */
export async function finish(scene: Scene): Promise<Violation[]> {
  const found = await rest(scene)
  const derrick = await scene.main.start()
  await scene.main.resyncAll(derrick)
  await scene.main.settle(derrick)
  await derrick.stop()
  return [...found, ...(await scene.lookAtRest()), ...(await scene.lookUpToDate())]
}
