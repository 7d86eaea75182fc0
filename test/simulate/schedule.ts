/** One schedule: anything at any moment, then rest. What is wrong afterwards, or was on the way, is told. */

import { streamKey } from '../../runtime/engine/job.ts'
import { DerrickError } from '../../schema/error.ts'
import { rangeStatuses } from '../../schema/range.ts'
import { makeRandom, type Random } from '../kill/random.ts'
import { day, noon } from '../runtime/engine/harness.ts'
import { faults, idsBetween } from './api.ts'
import { SimWorld, type StreamId, streamIds } from './world.ts'

export interface Played {
  seed: number
  faults: string[]
  steps: number
  requests: number
}

const mostSteps = 200_000
const tickMs = 10_000

type Act = (world: SimWorld, random: Random) => unknown

const windowOf = (random: Random) => {
  const from = noon - random.between(-1, 10) * day
  return { from, to: from + Math.max(1, random.between(0, 5) * day) }
}
const stream = (random: Random): StreamId => random.pick(streamIds)

/** What people, machines and APIs do, with how often. */
const acts: [number, Act][] = [
  [
    6,
    ({ life }, random) =>
      life.engine.syncStream(stream(random), random.pick(['manual', 'schedule'])),
  ],
  [2, ({ life }, random) => life.engine.syncStream(stream(random), 'api', windowOf(random))],
  [3, ({ life }, random) => life.engine.cancelStream(stream(random))],
  [2, ({ life }) => void life.scheduler.tick()],
  [1, (world, random) => setEnabled(world, stream(random), random.chance(0.5))],
  [1, (world, random) => setPaused(world, random.pick(['x', 'y']), random.chance(0.4))],
  [3, actOnWindow],
  [1, retryOne],
  [1, ({ life }, random) => life.engine.resetStream(stream(random), { clear: random.chance(0.5) })],
  [1, (world, random) => changeStart(world, stream(random), noon - random.between(-1, 9) * day)],
  [6, changeMood],
  [1, changeLimits],
  [2, ({ life }, random) => life.pool.kill(random.between(0, 2))],
  [1, (world) => world.kill()],
  [1, stop],
  [1, (world, random) => jump(world, random.pick([60_000, 3_600_000, day, -3_600_000]))],
]
const weights = acts.reduce((sum, [weight]) => sum + weight, 0)

export async function play(seed: number, trace?: (line: string) => void): Promise<Played> {
  const random = makeRandom(seed)
  const world = new SimWorld(random)
  const count = random.between(4, 25)
  for (let i = 0; i < count && world.faults.length === 0; i++) {
    const act = pickAct(random)
    trace?.(`${new Date(world.now).toISOString()} ${act.name || String(act)}`)
    await attempt(world, random, act)
    await steps(world, random.pick([0, 3, 20, 100, 400]))
  }
  const askedAt = world.faults.length === 0 ? await settle(world) : world.now
  if (world.faults.length === 0) world.faults.push(...wrongAtRest(world, askedAt))
  const { steps: done } = world.life.loop
  return { seed, faults: world.faults, steps: done, requests: world.api.requests }
}

function pickAct(random: Random): Act {
  let at = random.between(1, weights)
  for (const [weight, act] of acts) {
    at -= weight
    if (at <= 0) return act
  }
  return () => {}
}

/** The engine refuses what can't be now; anything else is a fault of its own. */
async function attempt(world: SimWorld, random: Random, act: Act): Promise<void> {
  const judge = (error: unknown) => {
    if (!(error instanceof DerrickError)) world.faults.push(`${act.name || act}: ${String(error)}`)
  }
  try {
    const outcome = act(world, random)
    if (!(outcome instanceof Promise)) return
    world.underWay += 1
    const { life } = world
    const ended = outcome.catch(judge).finally(() => {
      if (world.life === life) world.underWay -= 1
    })
    if (act === stop) await ended
  } catch (error) {
    judge(error)
  }
}

async function steps(world: SimWorld, count: number): Promise<void> {
  for (let i = 0; i < count && world.faults.length === 0; i++) {
    if (!(await world.life.loop.step())) return
    look(world)
  }
}

/** What holds at every moment, beside what API and ledger watch themselves. */
function look(world: SimWorld): void {
  const { permits } = world.life.deps
  const { global, perSource } = world.limits
  if (permits.inUse < 0) world.faults.push('more permits given back than taken')
  if (permits.inUse > Math.max(4, global)) world.faults.push(`${permits.inUse} permits in use`)
  for (const id of ['x', 'y'])
    if (permits.inUseBy(id) > Math.max(3, perSource))
      world.faults.push(`${id} holds too many permits`)
}

/**
 * Everything is well from now on: the world must come to rest with all time read. Returns when that was last asked for: a
 * stream whose start came later, on a clock that had been set back, has nothing to read yet.
 */
async function settle(world: SimWorld): Promise<number> {
  world.api.mood = { fault: 'well', share: 0 }
  world.destination.mood = { failing: 0 }
  await rest(world)
  for (const id of ['x', 'y'] as const) setPaused(world, id, false)
  for (const id of streamIds) setEnabled(world, id, true)
  await rest(world)
  const askedAt = world.now
  for (const id of streamIds) await attempt(world, world.random, syncAll(id))
  await rest(world)
  return askedAt
}

const syncAll =
  (id: StreamId): Act =>
  ({ life }) =>
    life.engine.syncStream(id, 'manual')

async function rest(world: SimWorld): Promise<void> {
  const { loop, engine, scheduler } = world.life
  let nextTick = world.now + tickMs
  let busy = true
  let looks = 0
  // Looking costs more than most steps.
  const isBusy = () => {
    if (looks++ % 16 === 0) busy = world.underWay > 0 || engine.progress().length > 0
    return busy
  }
  for (let i = 0; i < mostSteps && isBusy() && world.faults.length === 0; i++) {
    if (world.now >= nextTick || !(await loop.step())) {
      nextTick = Math.max(world.now, nextTick) + tickMs
      loop.passUntil(nextTick - tickMs)
      void scheduler.tick()
    }
    look(world)
  }
  if (busy && world.faults.length === 0)
    world.faults.push(`it never came to rest: ${JSON.stringify(engine.progress())}`)
}

function wrongAtRest(world: SimWorld, askedAt: number): string[] {
  const { deps } = world.life
  const found: string[] = []
  const expect = (holds: boolean, what: string) => holds || found.push(what)
  expect(deps.permits.inUse === 0, `${deps.permits.inUse} permits are held`)
  expect(deps.queue.size === 0, `${deps.queue.size} runs are queued`)
  let granted = 0
  for (let i = 0; i < 4; i++) deps.slots.request('dst_1', 4, () => granted++)
  expect(granted === 4, `only ${granted} of 4 commit slots are free`)
  for (const id of streamIds) found.push(...wrongStream(world, id, askedAt))
  return found
}

function wrongStream(world: SimWorld, id: StreamId, askedAt: number): string[] {
  const { deps } = world.life
  const found: string[] = []
  const rows = world.rows(id)
  const context = deps.config.stream(id)
  if (!context) return [`${id} is gone`]
  for (const status of rangeStatuses) {
    const count = rows.filter((row) => row.status === status).length
    const told = context.counts[status]
    if (count !== told) found.push(`${id}: ${count} ranges are ${status}, its counter says ${told}`)
  }
  for (const row of rows) {
    const what = `${id} ${new Date(row.start).toISOString()}`
    if (row.status !== 'complete') found.push(`${what} is ${row.status}: ${row.error?.code}`)
    const { committed } = world.destination.held(streamKey(context), row)
    const expected = idsBetween(row.start, row.end)
    const held = [...(committed?.ids ?? [])].sort()
    if (held.join() !== expected.sort().join()) found.push(`${what} holds ${held.length} records`)
    if (committed?.receipt.fence !== row.committedFence)
      found.push(`${what}: fence ${row.committedFence}, held ${committed?.receipt.fence}`)
  }
  // Windows that somebody asked for may lie apart from what is planned.
  const planned = rows.filter(({ start }) => start >= (context.frontier?.from ?? Infinity))
  if (!planned.every((row, i) => i === 0 || row.start === planned[i - 1]?.end))
    found.push(`${id}: its ranges leave a gap`)
  if (context.start <= askedAt && (planned[0]?.start ?? Infinity) > context.start)
    found.push(
      `${id}: starts at ${instant(context.start)}, its first range at ${instant(planned[0]?.start)}, planned from ${instant(context.frontier?.from)} to ${instant(context.frontier?.to)}`,
    )
  return found
}

const instant = (at = 0): string => new Date(at).toISOString()

function stop(world: SimWorld): Promise<void> {
  return world.stop()
}

function setEnabled(world: SimWorld, id: StreamId, enabled: boolean): void {
  world.change(id, { enabled, pausedReason: null })
  world.life.engine.streamChanged(id)
}

function setPaused(world: SimWorld, sourceId: 'x' | 'y', paused: boolean): void {
  for (const [id, { source }] of world.contexts)
    if (source.id === sourceId)
      world.change(id, { source: { ...source, paused, pausedUntil: null } })
  world.life.engine.sourceChanged(sourceId)
}

function changeStart(world: SimWorld, id: StreamId, start: number): void {
  world.change(id, { start })
  world.life.engine.streamChanged(id)
}

function actOnWindow({ life }: SimWorld, random: Random): Promise<unknown> {
  const action = random.pick(['resync', 'retry', 'prioritize'] as const)
  return life.engine.actOnRanges(stream(random), action, windowOf(random))
}

function retryOne(world: SimWorld, random: Random): void {
  const rows = world.rows(stream(random))
  if (rows.length > 0) world.life.engine.retryRange(random.pick(rows).id)
}

function changeMood(world: SimWorld, random: Random): void {
  world.api.mood = { fault: random.pick(faults), share: random.pick([0.1, 0.5, 1]) }
  world.destination.mood = { failing: random.pick([0, 0, 0, 0.1, 0.6]) }
}

function changeLimits(world: SimWorld, random: Random): void {
  world.limits = { global: random.between(1, 4), perSource: random.between(1, 3) }
  world.life.deps.permits.setLimits(world.limits)
  world.life.engine.permitsReturned()
}

function jump({ life: { loop } }: SimWorld, ms: number): void {
  loop.jump(ms)
}
