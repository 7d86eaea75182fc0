import type { Test } from 'tap'
import type { Row } from '../../../actors/destinations/writer.ts'
import {
  dayRange,
  failureCode,
  fullRange,
  openAttempt,
  pagesOf,
  records,
  runAttempt,
} from './attempts.ts'
import { again, type Conformance, openBench, versions } from './bench.ts'
import { flags } from './conformance-flags.ts'
import { hostileRecords, keptItsValue, unwritableRecords } from './hostile.ts'

/** What every destination must do, whatever it is. */
export function conformance(t: Test, suite: Conformance): void {
  t.test('what was committed is visible, whole and once', async (t) => {
    const bench = await openBench(t, suite)
    const rows = records(250, 'a')
    const { receipt, fence } = await bench.run({ pages: pagesOf(rows, 100) })
    t.strictSame(await bench.visible(), versions(rows))
    t.match(receipt, { fence, records: 250 })
    t.ok(receipt.committedAt > 0)
    const seen = await bench.rows(bench.target)
    t.ok(seen.every((row) => Object.hasOwn(row, '_derrick_range')))
    t.ok(seen.every((row) => Object.hasOwn(row, '_derrick_synced_at')))
    t.strictSame(await bench.leftovers(bench.target), [])
  })

  t.test('nothing is visible before the commit, nor after an abort', async (t) => {
    const bench = await openBench(t, suite)
    const pages = [records(30, 'a')]
    const attempt = openAttempt(bench.kind, bench.writer, {
      target: bench.target,
      range: dayRange(0),
      pages,
    })
    await attempt.writer.begin()
    await attempt.writePages()
    t.strictSame(await bench.visible(), [])
    await attempt.writer.abort()
    await attempt.writer.abort()
    await attempt.spool.drop()
    t.strictSame(await bench.visible(), [])
    t.strictSame(await bench.leftovers(bench.target), [])
    await bench.run({ pages })
    t.equal((await bench.visible()).length, 30)
  })

  t.test('a range read again replaces its rows: same, fewer, more, none', async (t) => {
    const bench = await openBench(t, suite, { tracks: 'report', deletes: 'hard' })
    for (const [count, version] of [
      [20, 'a'],
      [20, 'b'],
      [12, 'c'],
      [18, 'd'],
      [0, 'e'],
      [5, 'f'],
    ] as const) {
      const rows = records(count, version)
      await bench.run({ range: again(0), pages: pagesOf(rows, 7) })
      t.strictSame(await bench.visible(), versions(rows), `${count} rows`)
    }
    t.strictSame(await bench.leftovers(bench.target), [])
  })

  t.test(
    'a first read that finds nothing, in empty pages, is a commit like any other',
    async (t) => {
      const bench = await openBench(t, suite)
      t.match((await bench.run({ pages: [[], []] })).receipt, { records: 0 })
      t.strictSame(await bench.visible(), [])
      await bench.run({ range: again(0), pages: [[], records(3, 'a'), []] })
      t.equal((await bench.visible()).length, 3)
      t.strictSame(await bench.leftovers(bench.target), [])
    },
  )

  t.test('a full read is one range', async (t) => {
    const bench = await openBench(t, suite, { deletes: 'hard' })
    await bench.run({ range: fullRange, pages: [records(25, 'a')] })
    await bench.run({
      range: { ...fullRange, committedFence: Infinity },
      pages: [records(24, 'b')],
    })
    t.strictSame(await bench.visible(), versions(records(24, 'b')))
  })

  fencing(t, suite)
  if (suite.guardsShrinking) shrinking(t, suite)
  recovery(t, suite)
  content(t, suite)
  flags(t, suite)
  rowsOverTime(t, suite)
}

function fencing(t: Test, suite: Conformance): void {
  t.test('fences rise, also when the offered ones do not', async (t) => {
    const bench = await openBench(t, suite)
    const first = await bench.run({ offeredFence: 50, pages: [records(1, 'a')] })
    const second = await bench.run({ range: again(0), offeredFence: 3, pages: [records(1, 'b')] })
    const third = await bench.run({ range: again(0), offeredFence: 900, pages: [] })
    t.ok(first.fence > 50)
    t.ok(second.fence > first.fence)
    t.ok(third.fence > 900)
  })

  t.test('an older attempt that wakes up cannot commit', async (t) => {
    const bench = await openBench(t, suite)
    const old = openAttempt(bench.kind, bench.writer, {
      target: bench.target,
      range: again(0),
      pages: [records(10, 'old')],
    })
    await old.writer.begin()
    const report = await old.writePages()
    await bench.run({ range: again(0), pages: [records(7, 'new')] })
    t.equal(await failureCode(old.writer.commit(report)), 'destination.fenced')
    await old.writer.abort()
    await old.spool.drop()
    t.strictSame(await bench.visible(), versions(records(7, 'new')))
    t.strictSame(await bench.leftovers(bench.target), [])
  })

  t.test('an older attempt is fenced by a claim alone, from another writer', async (t) => {
    const bench = await openBench(t, suite)
    const other = suite.kind.openWriter(bench.config)
    t.teardown(() => other.close())
    const old = openAttempt(bench.kind, bench.writer, {
      target: bench.target,
      range: again(0),
      pages: [records(10, 'old')],
    })
    await old.writer.begin()
    const report = await old.writePages()
    const young = openAttempt(bench.kind, other, {
      target: bench.target,
      range: again(0),
      pages: [records(4, 'young')],
    })
    await young.writer.begin()
    t.equal(await failureCode(old.writer.commit(report)), 'destination.fenced')
    await young.writer.commit(await young.writePages())
    await Promise.all([old.spool.drop(), young.spool.drop()])
    t.strictSame(await bench.visible(), versions(records(4, 'young')))
  })

  t.test('ranges commit at once without mixing', async (t) => {
    const bench = await openBench(t, suite)
    const other = suite.kind.openWriter(bench.config)
    t.teardown(() => other.close())
    const days = Array.from({ length: 12 }, (_, day) => day)
    const rowsOf = (day: number): Row[] => records(40, `day${day}`, day * 1000)
    await Promise.all(
      days.map((day) =>
        runAttempt(suite.kind, day % 2 ? other : bench.writer, {
          target: bench.target,
          range: dayRange(day),
          pages: pagesOf(rowsOf(day), 15),
        }),
      ),
    )
    t.strictSame(await bench.visible(), versions(days.flatMap(rowsOf)))
  })
}

function recovery(t: Test, suite: Conformance): void {
  t.test('a commit that the supervisor does not know of is reported, not read again', async (t) => {
    const bench = await openBench(t, suite)
    const first = await bench.run({ pages: [records(9, 'a')] })
    const next = await bench.run({ pages: [records(3, 'never')] })
    t.equal(next.recovered, true)
    t.strictSame(next.receipt, first.receipt)
    const known = await bench.run({
      range: dayRange(0, { committedFence: first.fence }),
      pages: [records(9, 'b')],
    })
    t.equal(known.recovered, false)
    t.strictSame(await bench.visible(), versions(records(9, 'b')))
  })

  t.test('clear removes what this stream committed and nothing else', async (t) => {
    const bench = await openBench(t, suite)
    const neighbour = suite.target(bench.config, { table: 'neighbour', streamKey: 'w/c/neighbour' })
    await bench.run({ target: neighbour, pages: [records(5, 'n')] })
    for (const day of [0, 1, 2])
      await bench.run({ range: dayRange(day), pages: [records(4, 'a', day * 10)] })
    await bench.writer.clear(bench.target)
    t.strictSame(await bench.visible(), [])
    t.strictSame(versions(await bench.rows(neighbour)), versions(records(5, 'n')))
    await bench.writer.clear(bench.target)
    const after = await bench.run({ pages: [records(2, 'b')] })
    t.equal(after.recovered, false, 'a cleared commit is no commit')
    t.strictSame(await bench.visible(), versions(records(2, 'b')))
  })

  t.test('clear of a stream that never committed is nothing', async (t) => {
    const bench = await openBench(t, suite)
    await bench.writer.clear(bench.target)
    t.strictSame(await bench.visible(), [])
  })

  t.test('an attempt under way when its stream is cleared cannot commit', async (t) => {
    const bench = await openBench(t, suite)
    await bench.run({ pages: [records(5, 'a')] })
    const run = bench.run({
      range: again(0),
      pages: [records(6, 'b')],
      beforeCommit: () => bench.writer.clear(bench.target),
    })
    t.equal(await failureCode(run), 'destination.fenced')
    t.strictSame(await bench.visible(), [])
  })
}

function shrinking(t: Test, suite: Conformance): void {
  t.test('a window with far fewer rows replaces them only when it is read twice', async (t) => {
    const bench = await openBench(t, suite, { deletes: 'hard', tracks: 'creation' })
    await bench.run({ pages: [records(60, 'a')] })
    const few = () => bench.run({ range: again(0), pages: [records(3, 'b')] })
    t.equal(await failureCode(few()), 'destination.shrunk_once')
    t.strictSame(await bench.visible(), versions(records(60, 'a')))
    await few()
    t.strictSame(await bench.visible(), versions(records(3, 'b')))
    await bench.run({ range: again(0), pages: [records(60, 'c')] })
    t.equal(await failureCode(few()), 'destination.shrunk_once', 'asked anew after each commit')
  })

  t.test('a full read with far fewer rows is refused until the stream is cleared', async (t) => {
    const bench = await openBench(t, suite, { deletes: 'hard' })
    const range = { ...fullRange, committedFence: Infinity }
    await bench.run({ range, pages: [records(60, 'a')] })
    for (let tries = 0; tries < 2; tries += 1) {
      t.equal(await failureCode(bench.run({ range, pages: [] })), 'destination.shrunk')
    }
    t.strictSame(await bench.visible(), versions(records(60, 'a')))
    await bench.writer.clear(bench.target)
    await bench.run({ range, pages: [records(3, 'b')] })
    t.strictSame(await bench.visible(), versions(records(3, 'b')))
  })
}

function content(t: Test, suite: Conformance): void {
  t.test('a key that pages repeat lands once: the highest cursor, then the last', async (t) => {
    const bench = await openBench(t, suite, { cursorField: 'updated_at' })
    const at = (id: string, version: string, time: string | null): Row => ({
      id,
      version,
      updated_at: time,
    })
    await bench.run({
      pages: [
        [at('x', 'x1', '2026-01-01T10:00:00Z'), at('y', 'y1', '2026-01-01T12:00:00Z')],
        [at('y', 'y2', '2026-01-01T11:00:00Z'), at('x', 'x2', '2026-01-01T10:00:00Z')],
        [at('z', 'z1', null), at('z', 'z2', '2026-01-01T00:00:00Z'), at('z', 'z3', null)],
      ],
    })
    t.strictSame(await bench.visible(), ['x:x2', 'y:y1', 'z:z2'])
  })

  t.test('records without their key are rejected, the others land', async (t) => {
    const bench = await openBench(t, suite)
    const { rejects, receipt } = await bench.run({
      pages: [[{ id: 'a', version: '1' }, { version: '2' }, { id: null, version: '3' }]],
    })
    t.strictSame(await bench.visible(), ['a:1'])
    t.equal(receipt.records, 1)
    t.equal(rejects.length, 2)
    t.match(rejects[0], { reason: /key/, where: /./, sample: /version/ })
  })

  t.test('hostile records land as they are or are rejected, each by itself', async (t) => {
    const bench = await openBench(t, suite)
    const hostile = hostileRecords()
    const unwritable = unwritableRecords()
    const { rejects, sanitised } = await bench.run({ pages: [hostile, unwritable] })
    t.equal(rejects.length, unwritable.length)
    const rows = await bench.rows(bench.target)
    t.equal(rows.length, hostile.length)
    for (const row of rows) t.ok(keptItsValue(row), `${String(row.id)} kept what it had`)
    t.ok(sanitised > 0)
  })

  t.test('rows without a key carry an id of their own, the same when read again', async (t) => {
    const bench = await openBench(t, suite, { primaryKey: [], tracks: 'creation' })
    const rows = [{ e: 1 }, { e: 2 }, { e: 1 }, { e: 1 }]
    const ids = async (): Promise<unknown[]> =>
      (await bench.rows(bench.target)).map((row) => row._derrick_id).sort()
    await bench.run({ pages: [rows] })
    const first = await ids()
    t.equal(new Set(first).size, 4)
    await bench.run({ range: again(0), pages: pagesOf(rows.toReversed(), 1) })
    t.strictSame(await ids(), first)
  })
}

function rowsOverTime(t: Test, suite: Conformance): void {
  t.test('a row that did not change keeps the time of its last change', async (t) => {
    const bench = await openBench(t, suite)
    const times = async (): Promise<Record<string, unknown>> =>
      Object.fromEntries(
        (await bench.rows(bench.target)).map((row) => [
          row.id,
          Number(new Date(String(row._derrick_synced_at))),
        ]),
      )
    const first = await bench.run({
      pages: [
        [
          { id: 'a', n: 1 },
          { id: 'b', n: 1 },
        ],
      ],
      fetchedFrom: 1000,
    })
    t.equal(first.receipt.rowsChanged, 2)
    const pages = [
      [{ id: 'b', n: 2 }],
      [
        { id: 'a', n: 1 },
        { id: 'c', n: 1 },
      ],
    ]
    const second = await bench.run({ range: again(0), pages, fetchedFrom: 2000 })
    t.equal(second.receipt.rowsChanged, 2)
    t.strictSame(await times(), { a: 1000, b: 2000, c: 2000 })
    const third = await bench.run({ range: again(0), pages, fetchedFrom: 3000 })
    t.equal(third.receipt.rowsChanged, 0)
    t.strictSame(await times(), { a: 1000, b: 2000, c: 2000 })
  })

  t.test('a key in two ranges', async (t) => {
    const bench = await openBench(t, suite, { cursorField: 'updated_at' })
    await bench.run({ pages: [[{ id: 'k', version: 'old', updated_at: '2026-01-01T01:00:00Z' }]] })
    const later = { id: 'k', version: 'new', updated_at: '2026-01-02T01:00:00Z' }
    await bench.run({ range: dayRange(1), pages: [[later]] })
    t.strictSame(await bench.visible(), suite.mergesByKey ? ['k:new'] : ['k:new', 'k:old'])
  })
}
