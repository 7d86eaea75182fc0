import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ApiRefusal, type Derrick, waitUntilReady } from '../support/derrick.ts'
import { requireService } from '../support/services.ts'
import { waitFor, within } from '../support/wait.ts'
import { dayMs, streamNames } from './installation.ts'
import type { Random } from './random.ts'
import { rest } from './random-kills.ts'
import type { Scene } from './scene.ts'
import type { Tally } from './tally.ts'

/** The calls by which anything becomes durable or visible. */
const calls = [
  'pwrite64',
  'write',
  'writev',
  'fdatasync',
  'fsync',
  'rename',
  'renameat',
  'renameat2',
  'unlink',
  'unlinkat',
  'ftruncate',
  'openat',
] as const

/** strace counts calls per thread: the n-th call of this kind in whichever thread comes to it first. */
interface Point {
  call: string
  nth: number
}

/** A life under strace in which the point is never reached ends then. */
const lifeMs = 20_000
const traceLifeMs = 12_000

/**
 * Kills the program at its own system calls, so that every step between two durable acts is met and not only those that
 * take long. Judges after each kill like the random mode.
 */
export async function killAtCalls(
  scene: Scene,
  random: Random,
  tally: Tally,
  { points, enough }: { points: number; enough: number },
): Promise<void> {
  tally.found('before', await rest(scene))
  const reachable = await countCalls(scene, tally)
  for (let at = 1; at <= points && tally.violations.length < enough; at++) {
    const point = choosePoint(reachable, random)
    const inject = `inject=${point.call}:signal=SIGKILL:when=${point.nth}`
    const killed = await live(
      scene,
      random,
      tally,
      ['-e', `trace=${point.call}`, '-e', inject],
      lifeMs,
    )
    tally.killed(killed ? point.call : 'not reached')
    tally.found(`${point.call} ${point.nth}`, await scene.look())
  }
}

/** One life with strace as its parent; true when the injected signal ended it. */
async function live(
  scene: Scene,
  random: Random,
  tally: Tally,
  trace: string[],
  ms: number,
): Promise<boolean> {
  const under = [requireService('strace'), '-f', '-qq', '-o', tracePath(scene)]
  const derrick = scene.main.spawn([...under, ...trace])
  const work = giveWork(scene, derrick, random, tally)
  const atRest = work
    .then(() => scene.main.settle(derrick))
    .then(
      () => false,
      // It ended on the way there, which the other promise tells.
      () => delay(ms, false),
    )
  const exited = derrick.child.exited.then(() => true)
  const injected = await Promise.race([exited, atRest, delay(ms, false, { ref: false })])
  if (!injected) await killTraced(derrick)
  await derrick.child.exited
  await work
  return injected
}

const tracePath = (scene: Scene): string => join(scene.home.path, 'strace.out')

/** Killing strace itself would set its child free, so the child dies, and strace with it. */
async function killTraced(derrick: Derrick): Promise<void> {
  const children = readFileSync(
    `/proc/${derrick.child.pid}/task/${derrick.child.pid}/children`,
    'utf8',
  )
  for (const pid of children.trim().split(' ').filter(Boolean)) process.kill(Number(pid), 'SIGKILL')
  await within('strace to end', derrick.child.exited)
}

async function giveWork(
  scene: Scene,
  derrick: Derrick,
  random: Random,
  tally: Tally,
): Promise<void> {
  const fromMs = Date.now() - random.between(4, 10) * dayMs
  try {
    await waitUntilReady(derrick)
    await scene.main.sync(derrick)
    for (const name of streamNames)
      await scene.main.resync(derrick, name, fromMs, fromMs + 2 * dayMs)
  } catch (error) {
    // No answer, because it is dead: what this is all about.
    if (error instanceof ApiRefusal) tally.crashed(error.message)
  }
}

/** How often any one thread makes each call in a life of work: the points that can be chosen. */
async function countCalls(scene: Scene, tally: Tally): Promise<Map<string, number>> {
  const random = { unit: () => 0, between: (from: number) => from, chance: () => false } as never
  await live(scene, random, tally, ['-e', `trace=${calls.join(',')}`], traceLifeMs)
  const text = await waitFor('the trace', () => readFileSync(tracePath(scene), 'utf8'))
  const counts = new Map<string, Map<string, number>>()
  for (const [, thread = '', call = ''] of text.matchAll(/^(\d+) +(\w+)\(/gm)) {
    const threads = counts.get(call) ?? new Map<string, number>()
    counts.set(call, threads.set(thread, (threads.get(thread) ?? 0) + 1))
  }
  const most = [...counts].map(([call, threads]) => [call, Math.max(...threads.values())] as const)
  return new Map(most.filter(([call]) => (calls as readonly string[]).includes(call)))
}

/** Lives differ: the last calls of the busiest thread of one are seldom reached in another. */
const reachedShare = 0.6

/** Any kind of call is as likely as any other, however rare it is. */
function choosePoint(reachable: Map<string, number>, random: Random): Point {
  const [call, most] = random.pick([...reachable])
  return { call, nth: random.between(1, Math.ceil(most * reachedShare)) }
}
