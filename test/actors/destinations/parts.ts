import type { Test } from 'tap'
import { destinationAbilities } from '../../../schema/destination.ts'
import { dayRange, failureCode, fullRange, records, runAttempt } from './attempts.ts'
import { again, type Conformance, openBench, versions } from './bench.ts'

/** What every destination does with parts of ranges, windows that are cleared and reads that are forced. */
export function parts(t: Test, suite: Conformance): void {
  if (destinationAbilities[suite.kind.type].merge) merges(t, suite)
  else {
    t.test('a part is refused: what is there is never replaced by it', async (t) => {
      const bench = await openBench(t, suite)
      await bench.run({ pages: [records(9, 'a')] })
      const part = bench.run({ range: again(0), pages: [records(2, 'b')], isPart: true })
      t.equal(await failureCode(part), 'destination.part')
      t.strictSame(await bench.visible(), versions(records(9, 'a')))
    })
  }

  t.test('who claims a range hears what is committed of it', async (t) => {
    const bench = await openBench(t, suite)
    const first = await bench.run({ pages: [records(3, 'a')] })
    t.equal(first.holds, null)
    const second = await bench.run({ range: again(0), pages: [records(3, 'b')] })
    t.equal(second.holds, first.fence)
    t.equal((await bench.run({ range: again(0), pages: [] })).holds, second.fence)
  })

  t.test('some ranges are cleared, and others stay', async (t) => {
    const bench = await openBench(t, suite)
    const neighbour = suite.target(bench.config, { table: 'neighbour', streamKey: 'w/c/neighbour' })
    await bench.run({ target: neighbour, pages: [records(5, 'n')] })
    for (const day of [0, 1, 2, 3])
      await bench.run({ range: dayRange(day), pages: [records(4, 'a', day * 10)] })
    const kept = [...records(4, 'a'), ...records(4, 'a', 30)]
    await bench.writer.clearRanges(bench.target, [dayRange(1), dayRange(2), dayRange(9)])
    t.strictSame(await bench.visible(), versions(kept))
    t.strictSame(versions(await bench.rows(neighbour)), versions(records(5, 'n')))
    t.strictSame(await bench.leftovers(bench.target), [])
    await bench.writer.clearRanges(bench.target, [dayRange(1)])
    const after = await bench.run({ range: dayRange(1), pages: [records(2, 'b', 10)] })
    t.equal(after.recovered, false, 'a cleared commit is no commit')
    t.strictSame(await bench.visible(), versions([...kept, ...records(2, 'b', 10)]))
  })

  t.test('nothing to clear is nothing', async (t) => {
    const bench = await openBench(t, suite)
    await bench.writer.clearRanges(bench.target, [dayRange(1)])
    t.strictSame(await bench.visible(), [])
  })

  t.test('an attempt at a range that is cleared meanwhile cannot commit', async (t) => {
    const bench = await openBench(t, suite)
    await bench.run({ pages: [records(5, 'a')] })
    const run = bench.run({
      range: again(0),
      pages: [records(6, 'b')],
      beforeCommit: () => bench.writer.clearRanges(bench.target, [dayRange(0)]),
    })
    t.equal(await failureCode(run), 'destination.fenced')
    t.strictSame(await bench.visible(), [])
  })

  t.test('a far smaller read that is forced is believed at once', async (t) => {
    const bench = await openBench(t, suite, { deletes: 'hard', tracks: 'creation' })
    const range = { ...fullRange, committedFence: Infinity }
    await bench.run({ range, pages: [records(60, 'a')] })
    t.equal(await failureCode(bench.run({ range, pages: [] })), 'destination.shrunk')
    await bench.run({ range: { ...range, force: true }, pages: [records(1, 'b')] })
    t.strictSame(await bench.visible(), versions(records(1, 'b')))
  })
}

function merges(t: Test, suite: Conformance): void {
  t.test('a part is added to what is there and takes nothing away', async (t) => {
    const bench = await openBench(t, suite, { deletes: 'hard', tracks: 'creation' })
    const whole = [...records(60, 'a')]
    const first = await bench.run({ pages: [whole] })
    const part = [...records(2, 'b', 58), ...records(3, 'b', 60)]
    const range = dayRange(0, { committedFence: first.fence })
    const { receipt } = await bench.run({ range, pages: [part], isPart: true })
    t.strictSame(await bench.visible(), versions([...whole.slice(0, 58), ...part]))
    t.match(receipt, { records: 63, rowsChanged: 5 })
    const empty = await bench.run({
      range: { ...range, committedFence: receipt.fence },
      pages: [],
      isPart: true,
    })
    t.match(empty.receipt, { records: 63, rowsChanged: 0 })
    const full = await bench.run({ range: again(0), pages: [records(40, 'c')] })
    t.equal(full.receipt.records, 40)
    t.strictSame(await bench.visible(), versions(records(40, 'c')), 'the full read takes away')
  })

  t.test('a part whose range is gone by then is refused', async (t) => {
    const bench = await openBench(t, suite)
    const first = await bench.run({ pages: [records(9, 'a')] })
    const input = {
      target: bench.target,
      range: dayRange(0, { committedFence: first.fence }),
      pages: [records(1, 'b', 9)],
      isPart: true,
    }
    const run = runAttempt(suite.kind, bench.writer, {
      ...input,
      beforeCommit: () => bench.writer.clearRanges(bench.target, [dayRange(0)]),
    })
    t.equal(await failureCode(run), 'destination.fenced')
    t.strictSame(await bench.visible(), [])
  })
}
