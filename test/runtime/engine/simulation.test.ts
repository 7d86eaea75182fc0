/**
 * Whatever people, APIs, workers and the machine do, in any order: afterwards everything comes to rest. A few seconds in
 * CI; `DERRICK_SIMULATION_RUNS=2000` for longer, `DERRICK_SIMULATION_SEED` repeats one.
 */
import fc from 'fast-check'
import t from 'tap'
import { rangeStatuses } from '../../../schema/range.ts'
import { type Action, moods, type StreamId, streamIds, World } from './simulation.ts'

const runs = Number(process.env.DERRICK_SIMULATION_RUNS ?? 20)
// Known histories guard a change; new ones are looked for by those who have the time.
const anySeed = process.env.CI === 'true' ? 20_260_101 : Date.now() % 2 ** 31
const seed = Number(process.env.DERRICK_SIMULATION_SEED ?? anySeed)
t.setTimeout(runs * 5_000 + 60_000)

const stream = fc.constantFrom(...streamIds)
const window = fc.tuple(fc.integer({ min: -1, max: 12 }), fc.integer({ min: 0, max: 5 }))
const only = <T extends string>(...all: T[]) => fc.constantFrom(...all)
const trigger = only('manual', 'schedule')
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: only('sync'), stream, trigger }) },
  { weight: 1, arbitrary: fc.record({ do: only('sync'), stream, trigger, window }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: only('turns'), count: fc.integer({ min: 1, max: 25 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: only('mood'), mood: only(...moods) }) },
  { weight: 2, arbitrary: fc.record({ do: only('mood'), mood: only('slow') }) },
  { weight: 2, arbitrary: fc.record({ do: only('cancel', 'tick'), stream }) },
  { weight: 2, arbitrary: fc.record({ do: only('disable', 'enable', 'pause', 'resume'), stream }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: only('resync', 'retry', 'prioritize'), stream, window }),
  },
  { weight: 1, arbitrary: fc.record({ do: only('retry_one'), stream, nth: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: only('reset', 'clear'), stream }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: only('start'), stream, daysAgo: fc.integer({ min: -2, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: only('crash_worker', 'kill', 'stop') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: only('limits'),
      global: fc.integer({ min: 1, max: 4 }),
      perSource: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: only('advance'),
      ms: fc.integer({ min: -7_200_000, max: 200_000_000 }),
    }),
  },
)

// Not biased to short ones: what goes wrong needs company.
const history = fc.array(action, { minLength: 5, maxLength: 50, size: 'max' })

/** What is wrong with a world at rest. */
function faultsOf(world: World): string[] {
  const { deps, engine } = world.h
  const found = [...world.faults]
  const expect = (holds: boolean, what: string) => holds || found.push(what)
  expect(deps.permits.inUse === 0, `${deps.permits.inUse} permits are held`)
  expect(deps.queue.size === 0, `${deps.queue.size} runs are queued`)
  expect(engine.progress().length === 0, 'a run is active')
  const granted: number[] = []
  for (let i = 0; i < 4; i++) deps.slots.request('dst_1', 4, () => granted.push(i))
  expect(granted.length === 4, `only ${granted.length} of 4 commit slots are free`)
  for (const id of streamIds) found.push(...faultsOfStream(world, id))
  return found
}

function faultsOfStream(world: World, id: StreamId): string[] {
  const { deps, contexts, events } = world.h
  const found: string[] = []
  const rows = world.rows(id)
  const context = deps.config.stream(id)
  for (const status of rangeStatuses) {
    const count = rows.filter((row) => row.status === status).length
    const told = context?.counts[status]
    if (count !== told) found.push(`${id}: ${count} ranges are ${status}, its counter says ${told}`)
  }
  const odd = rows.filter((row) => row.status !== 'complete')
  if (odd.length > 0) found.push(`${id}: ${odd.length} ranges are ${odd[0]?.status} in the end`)
  const told = events.findLast((event) => event.kind === 'run-changed' && event.run.streamId === id)
  const run = told?.kind === 'run-changed' ? deps.runs.get(told.run.id) : undefined
  if (run?.status !== 'complete')
    found.push(`${id}: its last run is ${run?.status}: ${run?.error?.message}`)
  // Windows that somebody asked for may lie apart from what is planned.
  const planned = rows.filter(({ start }) => start >= (context?.frontier?.from ?? Infinity))
  const isTiled = planned.every((row, i) => i === 0 || row.start === planned[i - 1]?.end)
  if (!isTiled) found.push(`${id}: its ranges leave a gap`)
  const start = contexts.get(id)?.start ?? 0
  if (start <= world.h.clock.now && (planned[0]?.start ?? Infinity) > start)
    found.push(`${id}: its first range comes after the start date`)
  return found
}

t.test('after any history everything quiesces, and all time is read', async (t) => {
  const details = await fc.check(
    fc.asyncProperty(history, async (actions) => {
      const world = new World()
      for (const one of actions) await world.act(one)
      await world.settle()
      const faults = faultsOf(world)
      // Ports of attempts that were never answered would keep the process alive.
      world.h.abandon()
      if (faults.length > 0) throw new Error(faults.join('\n'))
    }),
    { numRuns: runs, seed, endOnFailure: process.env.CI === 'true' },
  )
  if (details.failed) {
    const { error, report } = {
      error: details.errorInstance,
      report: fc.defaultReportMessage(details),
    }
    t.fail(`${error}\n${report}`)
  } else t.pass(`${details.numRuns} histories, seed ${seed}`)
})
