import { setTimeout as delay } from 'node:timers/promises'
import type { Derrick } from '../support/derrick.ts'
import { hourMs, streamNames } from './installation.ts'
import { type Violation, violation } from './judge.ts'
import { type Fault, faults } from './postgres-faults.ts'
import type { PostgresPlace } from './postgres-place.ts'
import { pollDatabase } from './postgres-poller.ts'
import type { Random } from './random.ts'
import { rest } from './random-kills.ts'
import type { Scene } from './scene.ts'
import type { Tally } from './tally.ts'

/** So many faults while everything is read once; then it comes to rest and is judged as a whole. */
const faultsPerRound = 10
const slowPerRound = 1
const longestPauseMs = 300
const [fewestHours, mostHours] = [1, 3]
/** Slow enough that a round lasts until its faults have been played. */
const latency = { ms: 20, jitterMs: 20 }

interface LoggedRequest {
  stream: string | null
  page: number | null
  params: Record<string, string>
}

/**
 * Plays faults between one long life of the program and its server. After each round: all runs ended by themselves, each
 * range is there whole and once, nothing is left, and the source was asked for each range once: it had no part in this.
 */
export async function breakConnections(
  scene: Scene,
  place: PostgresPlace,
  random: Random,
  tally: Tally,
  { kills: count, enough }: { kills: number; enough: number },
): Promise<void> {
  tally.found('before', await rest(scene))
  await scene.shop.setLatency(latency.ms, latency.jitterMs)
  const derrick = await scene.main.start()
  const poller = pollDatabase(place.server.url)
  const kinds = makeDeck(random)
  let played = 0
  for (let round = 0; played < count && round < count; round++) {
    if (tally.violations.length >= enough) break
    const next = kinds(Math.min(faultsPerRound, count - played))
    played += await playRound(scene, place, random, tally, derrick, next)
    process.stderr.write(
      `${played} of ${count} faults, ${tally.violations.length} violations, ${poller.looks()} looks\n`,
    )
  }
  tally.found('a reader all the time', await poller.stop())
  tally.looks = poller.looks()
  await derrick.stop()
}

async function playRound(
  scene: Scene,
  place: PostgresPlace,
  random: Random,
  tally: Tally,
  derrick: Derrick,
  round: Fault[],
): Promise<number> {
  await scene.moveClock(random.between(fewestHours, mostHours) * hourMs)
  tally.clockMoves += 1
  await scene.shop.control('DELETE', '/requests')
  let reads = 0
  let met = 0
  for (const fault of round) {
    // There must be something to break.
    if (scene.main.isAtRest()) {
      await scene.main.resyncAll(derrick)
      reads += 1
    }
    await delay(random.between(0, longestPauseMs))
    if (await fault.play(place, random)) {
      met += 1
      tally.killed(fault.name)
    }
    tally.found(fault.name, await scene.look())
  }
  await scene.main.settle(derrick)
  const names = round.map(({ name }) => name).join(', ')
  tally.found(names, [...(await scene.lookAtRest()), ...(await askedAgain(scene, reads))])
  return met
}

/** Ranges that the source was asked for more often than they were to be read: that would mend nothing. */
async function askedAgain(scene: Scene, reads: number): Promise<Violation[]> {
  const { requests } = await scene.shop.control<{ requests: LoggedRequest[] }>('GET', '/requests')
  const counts = new Map<string, number>()
  for (const { stream, page, params } of requests) {
    if (page !== 1 || !streamNames.some((name) => name === stream)) continue
    const id = `${stream} ${JSON.stringify(params)}`
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return [...counts]
    .filter(([, count]) => count > reads)
    .map(([id, count]) =>
      violation('asked-again', id.split(' ')[0] ?? '', '', `${count} times for ${reads}: ${id}`),
    )
}

/** Deals faults like cards: every kind comes before any comes again, with a few slow ones in each round. */
function makeDeck(random: Random): (count: number) => Fault[] {
  const piles = new Map<Fault['pace'], Fault[]>()
  const deal = (pace: Fault['pace']): Fault => {
    const pile = piles.get(pace) ?? []
    piles.set(pace, pile)
    if (pile.length === 0) pile.push(...faults.filter((fault) => fault.pace === pace))
    const [fault] = pile.splice(random.between(0, pile.length - 1), 1)
    return fault as Fault
  }
  return (count) => {
    const slow = Math.min(slowPerRound, count)
    const fast = Array.from({ length: count - slow }, () => deal('fast'))
    fast.splice(
      random.between(0, fast.length),
      0,
      ...Array.from({ length: slow }, () => deal('slow')),
    )
    return fast
  }
}
