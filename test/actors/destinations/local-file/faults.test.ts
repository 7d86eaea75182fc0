import { appendFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkFolder } from '../../../../actors/destinations/local-file/check.ts'
import { type Disk, nodeDisk } from '../../../../actors/destinations/local-file/disk.ts'
import { LocalFileWriter } from '../../../../actors/destinations/local-file/writer.ts'
import { toFailure } from '../../../../schema/error.ts'
import { dayRange, failureCode, openAttempt, records, runAttempt, tempFolder } from '../attempts.ts'
import { again, openBench, versions } from '../bench.ts'
import { filesUnder, localFileSuite, readRows } from './place.ts'

const kind = localFileSuite.kind
const fault = (code: string): never => {
  throw Object.assign(new Error(`${code}: simulated`), { code })
}

/** A bench whose second writer meets `change` of the disk; it holds 12 old rows. */
async function withFaults(t: Test, change: (disk: Disk) => Partial<Disk>) {
  const bench = await openBench(t, localFileSuite)
  await bench.run({ pages: [records(12, 'old')] })
  const path = String(bench.config.path)
  const writer = new LocalFileWriter({ path }, { ...nodeDisk, ...change(nodeDisk) })
  t.teardown(() => writer.close())
  const failingRun = () =>
    runAttempt(kind, writer, { target: bench.target, range: again(0), pages: [records(9, 'new')] })
  return { ...bench, path, failingRun }
}

t.test('a disk that fails: one clear failure, old rows untouched', async (t) => {
  const faults: [code: string, change: (disk: Disk) => Partial<Disk>][] = [
    [
      'ENOSPC',
      (disk) => ({
        createFile: async (path) => ({
          ...(await disk.createFile(path)),
          write: () => fault('ENOSPC'),
        }),
      }),
    ],
    [
      'EIO',
      (disk) => ({
        createFile: async (path) => ({
          ...(await disk.createFile(path)),
          sync: () => fault('EIO'),
        }),
      }),
    ],
    ['EROFS', () => ({ createFile: () => fault('EROFS') })],
    ['EACCES', () => ({ openAppend: () => fault('EACCES') })],
    [
      'EDQUOT',
      () => ({
        openAppend: async (path, create) => ({
          ...(await nodeDisk.openAppend(path, create)),
          append: () => fault('EDQUOT'),
        }),
      }),
    ],
  ]
  for (const [code, change] of faults) {
    const bench = await withFaults(t, change)
    const error = await bench.failingRun().catch((thrown: unknown) => thrown)
    const failure = toFailure(error)
    t.match(failure, {
      category: 'destination',
      code: `disk.${code.toLowerCase()}`,
      retryable: false,
      remedy: /./,
    })
    t.match(failure.message, bench.path)
    t.strictSame(await bench.visible(), versions(records(12, 'old')), code)
    t.strictSame(await bench.leftovers(bench.target), [])
    await bench.failingRun().catch(() => {})
  }
})

t.test('a rename that fails after the commit is finished by the next attempt', async (t) => {
  let broken = true
  const bench = await withFaults(t, (disk) => ({
    rename: (from, to) => (broken ? fault('EIO') : disk.rename(from, to)),
  }))
  t.equal(await failureCode(bench.failingRun()), 'disk.eio')
  t.strictSame(await bench.visible(), versions(records(12, 'old')))
  broken = false
  const next = await bench.failingRun()
  t.equal(next.recovered, false)
  t.strictSame(await bench.visible(), versions(records(9, 'new')))
  t.strictSame(await bench.leftovers(bench.target), [])
})

t.test('a commit whose renames failed is finished, not read again', async (t) => {
  let broken = true
  const bench = await withFaults(t, (disk) => ({
    rename: (from, to) => (broken ? fault('EIO') : disk.rename(from, to)),
  }))
  const { fence } = await bench.run({ range: again(0), pages: [records(5, 'known')] })
  t.equal(await failureCode(bench.failingRun()), 'disk.eio')
  broken = false
  const next = await bench.run({ range: dayRange(0, { committedFence: fence }) })
  t.equal(next.recovered, true)
  t.equal(next.receipt.records, 9)
  t.strictSame(await bench.visible(), versions(records(9, 'new')))
})

t.test('a page that was damaged on its way commits nothing', async (t) => {
  const bench = await openBench(t, localFileSuite)
  await bench.run({ pages: [records(12, 'old')] })
  const input = { target: bench.target, range: again(0), pages: [] }
  const attempt = openAttempt(kind, bench.writer, input)
  await attempt.writer.begin()
  const page = kind.makeEncoder({ ...input, fetchedFrom: 1000 }).encode(records(9, 'new'))
  page.bytes[20] = 0x20
  await attempt.writer.writePage(page)
  const { recordCount, checksum } = page
  const report = { pages: 1, records: recordCount, checksum, fetchedFrom: 1000 }
  t.equal(await failureCode(attempt.writer.commit(report)), 'spool.damaged')
  await attempt.writer.abort()
  await attempt.spool.drop()
  t.strictSame(await bench.visible(), versions(records(12, 'old')))
  t.strictSame(await bench.leftovers(bench.target), [])
})

t.test('a folder that vanishes while a range is read is not made again', async (t) => {
  const bench = await openBench(t, localFileSuite)
  const path = String(bench.config.path)
  const run = bench.run({
    pages: [records(9, 'new')],
    beforeCommit: () => rename(path, `${path}-unmounted`),
  })
  t.equal(await failureCode(run), 'destination.folder_missing')
  t.strictSame(await filesUnder(path), [])
  await rename(`${path}-unmounted`, path)
  await bench.run({ pages: [records(9, 'new')] })
  t.equal((await bench.visible()).length, 9)
})

t.test('a link that leads out of the folder is refused', async (t) => {
  const bench = await openBench(t, localFileSuite)
  const path = String(bench.config.path)
  const outside = await tempFolder(t)
  await mkdir(join(path, 'shop'), { recursive: true })
  await symlink(outside, join(path, 'shop', 'events'))
  t.equal(await failureCode(bench.run({ pages: [records(2, 'x')] })), 'destination.outside_folder')
  t.strictSame(await filesUnder(outside), [])
})

t.test('the folder itself may be a link', async (t) => {
  const real = await tempFolder(t)
  const link = join(await tempFolder(t), 'link')
  await symlink(real, link)
  const writer = new LocalFileWriter({ path: link })
  t.teardown(() => writer.close())
  const target = localFileSuite.target({ path: link })
  await runAttempt(kind, writer, { target, range: dayRange(0), pages: [records(2, 'x')] })
  t.equal((await readRows(real, target)).length, 2)
})

t.test('a torn line spoils only itself', async (t) => {
  const bench = await openBench(t, localFileSuite)
  await bench.run({ pages: [records(3, 'a')] })
  const log = join(String(bench.config.path), 'shop/_derrick/events.ranges.jsonl')
  const text = await readFile(log, 'utf8')
  await appendFile(log, '{"kind":"commit","start":"2026-0')
  const next = await bench.run({ range: again(0), pages: [records(4, 'b')] })
  t.equal(next.receipt.records, 4)
  await writeFile(log, `${text.slice(0, -30)}`)
  await bench.run({ range: again(0), pages: [records(5, 'c')] })
  t.strictSame(await bench.visible(), versions(records(5, 'c')))
})

t.test('a ledger that vanished starts anew; files that vanished are read again', async (t) => {
  const bench = await openBench(t, localFileSuite)
  const path = String(bench.config.path)
  const first = await bench.run({ pages: [records(3, 'a')] })
  await rm(join(path, 'shop/_derrick'), { recursive: true })
  const second = await bench.run({ pages: [records(3, 'b')] })
  t.equal(second.recovered, false)
  t.ok(second.fence > first.fence)
  await rm(join(path, 'shop/events'), { recursive: true })
  const third = await bench.run({ pages: [records(3, 'c')] })
  t.equal(third.recovered, false)
  t.strictSame(await bench.visible(), versions(records(3, 'c')))
})

t.test('large ranges fill several files; fewer the next time', async (t) => {
  const path = join(await tempFolder(t), 'out')
  const writer = new LocalFileWriter({ path, target_file_mb: 1 })
  t.teardown(() => writer.close())
  const target = localFileSuite.target({ path })
  const pages = (count: number) =>
    Array.from({ length: count }, (_, page) =>
      records(100, 'a', page * 100).map((row) => ({ ...row, pad: 'x'.repeat(4000) })),
    )
  const run = (count: number) =>
    runAttempt(kind, writer, { target, range: again(0), pages: pages(count) })
  const { receipt } = await run(9)
  const folder = join(path, 'shop/events/dt=2026-01-01')
  t.strictSame(await filesUnder(folder), [
    '20260101T000000Z-0002.jsonl',
    '20260101T000000Z-0003.jsonl',
    '20260101T000000Z-0004.jsonl',
    '20260101T000000Z.jsonl',
  ])
  t.equal((await readRows(path, target)).length, 900)
  t.equal(receipt.records, 900)
  await run(3)
  t.strictSame(await filesUnder(folder), ['20260101T000000Z-0002.jsonl', '20260101T000000Z.jsonl'])
  t.equal((await readRows(path, target)).length, 300)
})

t.test('another partition moves a range when it is read again', async (t) => {
  const bench = await openBench(t, localFileSuite)
  const path = String(bench.config.path)
  await bench.run({ pages: [records(3, 'a')] })
  const writer = new LocalFileWriter({ path, partition: 'hour' })
  t.teardown(() => writer.close())
  await runAttempt(kind, writer, {
    target: bench.target,
    range: again(0),
    pages: [records(4, 'b')],
  })
  t.strictSame(await filesUnder(join(path, 'shop/events')), [
    'dt=2026-01-01/hour=00/20260101T000000Z.jsonl',
  ])
})

t.test("users' own files stay, whatever happens", async (t) => {
  const bench = await openBench(t, localFileSuite)
  const folder = join(String(bench.config.path), 'shop/events/dt=2026-01-01')
  await mkdir(folder, { recursive: true })
  const own = ['mine.csv', '.derrick-look-alike.tmp', '20260101T000000Z-0002.csv']
  for (const name of own) await writeFile(join(folder, name), 'mine')
  await bench.run({ pages: [records(3, 'a')] })
  await bench.run({ range: again(0), pages: [] })
  t.strictSame(await filesUnder(folder), own.toSorted())
  // With files of ours among them, too.
  await bench.run({ range: again(0), pages: [records(2, 'b')] })
  await bench.writer.clear(bench.target)
  t.strictSame(await filesUnder(folder), own.toSorted())
})

t.test('the check says step by step what works, and what to do', async (t) => {
  const folder = join(await tempFolder(t), 'made', 'by the check')
  const good = await checkFolder(folder)
  t.equal(good.ok, true)
  t.strictSame(
    good.steps.map(({ name }) => name),
    ['folder', 'write', 'rename', 'sync', 'space'],
  )
  t.strictSame(await filesUnder(folder), [])
  const relative = await checkFolder('relative/folder')
  t.match(relative.steps, [{ name: 'folder', ok: false, message: /absolute/, remedy: /absolute/ }])
  await writeFile(join(folder, 'file'), '')
  t.match(await checkFolder(join(folder, 'file')), {
    ok: false,
    steps: [{ ok: false, remedy: /./ }],
  })
  const readOnly = await checkFolder(folder, { ...nodeDisk, createFile: () => fault('EACCES') })
  t.match(readOnly.steps.at(-1), { name: 'write', ok: false, remedy: /permission/ })
  const full = await checkFolder(folder, { ...nodeDisk, freeBytes: async () => 1000 })
  t.match(full.steps.at(-1), { name: 'space', ok: false, remedy: /free space/ })
})
