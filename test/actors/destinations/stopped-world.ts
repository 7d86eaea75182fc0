import type { Test } from 'tap'
import { dayRange, records, runAttempt } from './attempts.ts'
import { again, type Bench, type Conformance, openBench, versions } from './bench.ts'

/** More steps than any commit of these tests takes: a guard against endless loops. */
const mostSteps = 400

const oldRows = records(12, 'old')
const newRows = records(7, 'new')
const lastRows = records(9, 'last')

/**
 * Crashes and pauses between any two steps of a writer; for destinations that can be stopped there. With a `stride` only
 * every so many steps, for variants whose every step was tried when they were made.
 */
export function stoppedWorld(t: Test, suite: Conformance, stride = 1): void {
  t.test('a crash before any step leaves the old rows or the new ones', async (t) => {
    for (const before of [false, true]) {
      await everyStep(t, suite, stride, async (bench, step) => {
        const known = before ? (await bench.run({ pages: [oldRows] })).fence : null
        const range = dayRange(0, { committedFence: known })
        const crashed = await crashAt(t, suite, bench, step, { range, pages: [newRows] })
        const seen = await bench.visible()
        const old = versions(before ? oldRows : [])
        t.ok(same(seen, old) || same(seen, versions(newRows)), `whole after a crash at ${step}`)
        const next = await bench.run({ range, pages: [lastRows] })
        const want = next.recovered ? newRows : lastRows
        if (!crashed) t.ok(next.recovered, 'what was committed is recovered')
        t.strictSame(await bench.visible(), versions(want), `right after recovery from ${step}`)
        t.equal(next.receipt.records, want.length)
        t.strictSame(await bench.leftovers(bench.target), [], `nothing left of ${step}`)
        return crashed
      })
    }
  })

  t.test('a crash of the one that recovers is recovered too', async (t) => {
    await everyStep(t, suite, stride, async (bench, step) => {
      const range = dayRange(0)
      let crashed = false
      for (let again = 0; again < 4; again += 1) {
        const stopped = await crashAt(t, suite, bench, step + again, { range, pages: [newRows] })
        crashed ||= stopped
      }
      const seen = await bench.visible()
      t.ok(same(seen, []) || same(seen, versions(newRows)))
      await bench.run({ range, pages: [newRows] })
      t.strictSame(await bench.visible(), versions(newRows))
      t.strictSame(await bench.leftovers(bench.target), [])
      return crashed
    })
  })

  t.test('an attempt that sleeps at any step never touches a newer one', async (t) => {
    for (const rows of [newRows, []]) {
      await everyStep(t, suite, stride, async (bench, step) => {
        await bench.run({ pages: [oldRows] })
        const sleeper = pausing(step)
        const writer = suite.openStepped?.(t, bench.config, sleeper.onStep)
        if (!writer) return false
        const run = runAttempt(suite.kind, writer, {
          target: bench.target,
          range: again(0),
          pages: [rows],
        }).catch(() => null)
        const paused = await Promise.race([sleeper.reached, run.then(() => false)])
        const newer = await bench.run({ range: again(0), pages: [lastRows] })
        sleeper.wake()
        const slept = await run
        await writer.close()
        // One that slept before its claim is the newer attempt itself.
        const last = slept && slept.fence > newer.fence ? rows : lastRows
        t.strictSame(await bench.visible(), versions(last), `slept at ${step}`)
        t.strictSame(await bench.leftovers(bench.target), [], `nothing left of ${step}`)
        return paused
      })
    }
  })

  t.test('a clear that crashes is finished by the next, and by the next attempt', async (t) => {
    for (const finish of ['clear', 'attempt'] as const) {
      await everyStep(t, suite, stride, async (bench, step) => {
        for (const day of [0, 1, 2]) {
          await bench.run({ range: dayRange(day), pages: [records(3, 'old', day * 10)] })
        }
        const stop = stopping(step)
        const writer = suite.openStepped?.(t, bench.config, stop.onStep)
        if (!writer) return false
        await writer.clear(bench.target).catch(() => {})
        if (finish === 'clear') await bench.writer.clear(bench.target)
        const { recovered } = await bench.run({ pages: [newRows] })
        const seen = await bench.visible()
        const cleared = seen.every((row) => !row.endsWith(':old'))
        t.ok(cleared || (finish === 'attempt' && recovered), `cleared after a crash at ${step}`)
        if (cleared) t.strictSame(seen, versions(newRows))
        return stop.stopped()
      })
    }
  })
}

/** Repeats a test with a step more each time, on a fresh destination, until that step is no longer reached. */
async function everyStep(
  t: Test,
  suite: Conformance,
  stride: number,
  test: (bench: Bench, step: number) => Promise<boolean>,
): Promise<void> {
  for (let step = 1; step < mostSteps; step += stride) {
    const bench = await openBench(t, suite, { deletes: 'hard', tracks: 'report' })
    const reached = await test(bench, step)
    await bench.writer.close()
    if (!reached) {
      t.ok(step > 3, `${step - 1} steps were stopped`)
      return
    }
  }
  t.fail(`more than ${mostSteps} steps`)
}

/** Runs an attempt in a world that stops before step `step`; true when it got that far. */
async function crashAt(
  t: Test,
  suite: Conformance,
  bench: Bench,
  step: number,
  input: Pick<Parameters<typeof runAttempt>[2], 'range' | 'pages'>,
): Promise<boolean> {
  const stop = stopping(step)
  const writer = suite.openStepped?.(t, bench.config, stop.onStep)
  if (!writer) return false
  await runAttempt(suite.kind, writer, { target: bench.target, ...input }).catch(() => {})
  return stop.stopped()
}

/** From its n-th step on nothing works, as after the death of the process. */
function stopping(n: number) {
  let steps = 0
  return {
    onStep: async (step: string): Promise<void> => {
      steps += 1
      if (steps >= n) throw new Error(`the world stopped at ${step}`)
    },
    stopped: () => steps >= n,
  }
}

/** The n-th step waits until it is woken. */
function pausing(n: number) {
  let steps = 0
  const reached = Promise.withResolvers<boolean>()
  const woken = Promise.withResolvers<void>()
  return {
    onStep: async (): Promise<void> => {
      steps += 1
      if (steps !== n) return
      reached.resolve(true)
      await woken.promise
    },
    reached: reached.promise,
    wake: () => woken.resolve(),
  }
}

const same = (a: string[], b: string[]): boolean => a.join() === b.join()
