import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Derrick, waitUntilReady } from '../support/derrick.ts'
import { freePort } from '../support/free-port.ts'
import { hourMs, Installation } from './installation.ts'
import { awaitMoment, chooseMoment } from './moment.ts'
import type { Random } from './random.ts'
import { rest } from './random-kills.ts'
import type { Scene } from './scene.ts'
import type { Tally } from './tally.ts'

/** The source must look different to those who come later, in many ranges. */
const shortestMoveHours = 6
const longestMoveHours = 12
/** Slow answers, so that the stop finds as many attempts under way as there may be. */
const slowMs = 150
const longestUnderWayMs = 1_500
const usual = { ms: 4, jitterMs: 4 }

/** A process that stands still in the middle of its work: while it reads, or while it commits. */
async function stopMidway(scene: Scene, random: Random): Promise<Derrick> {
  const zombie = await scene.main.start()
  await scene.shop.setLatency(slowMs, slowMs)
  await scene.main.resyncAll(zombie)
  const moment = chooseMoment(random)
  if (moment.kind === 'after') await delay(random.between(slowMs, longestUnderWayMs))
  else await awaitMoment(moment, scene.place, zombie.child.exited)
  zombie.child.process.kill('SIGSTOP')
  await scene.shop.setLatency(usual.ms, usual.jitterMs)
  return zombie
}

/**
 * A process that was given up for dead and comes back: it is stopped in the middle of its work, another installation
 * with the same names reads a newer state of the source into the same place, then the first one goes on. What it still
 * holds is old and must not land.
 */
export async function overtake(
  scene: Scene,
  random: Random,
  tally: Tally,
  { rounds, enough }: { rounds: number; enough: number },
): Promise<void> {
  const other = new Installation(join(scene.home.path, 'other'), await freePort(), {
    run: scene.run,
  })
  tally.found('before zombies', await rest(scene))
  for (let round = 1; round <= rounds && tally.violations.length < enough; round++) {
    const zombie = await stopMidway(scene, random)
    await scene.moveClock(random.between(shortestMoveHours, longestMoveHours) * hourMs)
    tally.clockMoves += 1

    const derrick = other.spawn()
    await waitUntilReady(derrick)
    if (other.streamIds.size === 0) await other.configure(derrick, scene.shop, scene.place)
    else await other.resyncAll(derrick)
    await other.sync(derrick)
    await other.settle(derrick)
    await derrick.stop()
    tally.found(`overtaker ${round}`, await scene.look(other))

    zombie.child.process.kill('SIGCONT')
    await scene.main.settle(zombie)
    tally.zombies += 1
    await zombie.stop()
    tally.found(`zombie ${round}`, [...(await scene.look(other)), ...(await scene.lookAtRest())])
  }
}
