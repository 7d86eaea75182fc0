import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { nodeDisk } from '../../../../actors/destinations/local-file/disk.ts'
import { LocalFileWriter } from '../../../../actors/destinations/local-file/writer.ts'
import { dayRange, failureCode, openAttempt, records, runAttempt, tempFolder } from '../attempts.ts'
import { again, openBench, versions } from '../bench.ts'
import { stoppedWorld } from '../stopped-world.ts'
import { compactingSuite, localFileSuite, readRows } from './place.ts'

const { kind } = localFileSuite
const always = { lines: 1, factor: 0 }

t.setTimeout(180_000)
stoppedWorld(t, compactingSuite, 4)

t.test('a ledger that is compacted says what it said before', async (t) => {
  const bench = await openBench(t, compactingSuite)
  const path = String(bench.config.path)
  for (const day of [0, 1, 2])
    await bench.run({ range: dayRange(day), pages: [records(4, 'a', day * 10)] })
  const old = openAttempt(kind, bench.writer, {
    target: bench.target,
    range: again(0),
    pages: [records(5, 'old')],
  })
  const { fence } = await old.writer.begin()
  const report = await old.writePages()
  const newer = await bench.run({ range: again(1), pages: [records(2, 'b', 10)] })
  const names = await readdir(join(path, 'shop/_derrick'))
  t.strictSame(names.sort(), ['events.ranges.4.jsonl', 'events.ranges.5.jsonl'])
  const text = await readFile(join(path, 'shop/_derrick/events.ranges.5.jsonl'), 'utf8')
  t.ok(text.split('\n').every((line) => line === '' || line.startsWith('{"kind":"state"')))
  const recovered = await runAttempt(kind, bench.writer, {
    target: bench.target,
    range: dayRange(1),
    pages: [],
  })
  t.strictSame(recovered.receipt, newer.receipt, 'commits are kept')
  t.equal((await old.writer.commit(report)).fence, fence, 'claims are kept')
  await old.spool.drop()
  const low = await bench.run({ range: again(0), offeredFence: 1, pages: [] })
  t.ok(low.fence > fence, 'fences are kept')
  await bench.writer.clear(bench.target)
  t.strictSame(await bench.visible(), [])
})

t.test('what a crash while compacting left is swept by the next to open the ledger', async (t) => {
  const bench = await openBench(t, localFileSuite)
  const folder = join(String(bench.config.path), 'shop/_derrick')
  await bench.run({ pages: [records(2, 'a')] })
  await writeFile(join(folder, '.derrick-ledger-0123456789ab.tmp'), '')
  await writeFile(join(folder, '.derrick-ledger-mine.tmp'), '')
  const other = kind.openWriter(bench.config)
  t.teardown(() => other.close())
  await runAttempt(kind, other, { target: bench.target, range: dayRange(1), pages: [] })
  const names = await readdir(folder)
  t.strictSame(names.sort(), ['.derrick-ledger-mine.tmp', 'events.ranges.jsonl'])
})

t.test('writers that append while others compact lose no line', async (t) => {
  const path = join(await tempFolder(t), 'out')
  const target = localFileSuite.target({ path })
  const writers = Array.from({ length: 5 }, () => new LocalFileWriter({ path }, nodeDisk, always))
  t.teardown(() => Promise.all(writers.map((writer) => writer.close())))
  const days = Array.from({ length: 40 }, (_, day) => day)
  const rowsOf = (day: number) => records(3, `day${day}`, day * 10)
  await Promise.all(
    days.map((day) =>
      runAttempt(kind, writers[day % 5] as LocalFileWriter, {
        target,
        range: dayRange(day),
        pages: [rowsOf(day)],
      }),
    ),
  )
  t.strictSame(versions(await readRows(path, target)), versions(days.flatMap(rowsOf)))
  const names = await readdir(join(path, 'shop/_derrick'))
  t.equal(names.length, 2, names.join())
  const late = new LocalFileWriter({ path })
  t.teardown(() => late.close())
  for (const day of days) {
    const next = await runAttempt(kind, late, { target, range: dayRange(day), pages: [] })
    t.equal(next.receipt.records, 3)
  }
})

t.test('where files cannot have two names, ledgers only grow', async (t) => {
  const path = join(await tempFolder(t), 'out')
  const target = localFileSuite.target({ path })
  const link = () => Promise.reject(Object.assign(new Error('no links here'), { code: 'EPERM' }))
  const writer = new LocalFileWriter({ path }, { ...nodeDisk, link }, always)
  t.teardown(() => writer.close())
  for (const version of ['a', 'b', 'c']) {
    const run = runAttempt(kind, writer, { target, range: again(0), pages: [records(3, version)] })
    t.equal(await failureCode(run), null)
  }
  t.strictSame(await readdir(join(path, 'shop/_derrick')), ['events.ranges.jsonl'])
  t.strictSame(versions(await readRows(path, target)), versions(records(3, 'c')))
})
