import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Disk, nodeDisk } from '../../../../actors/destinations/local-file/disk.ts'
import { Folders } from '../../../../actors/destinations/local-file/folders.ts'
import type { ClaimLine } from '../../../../actors/destinations/local-file/ledger-line.ts'
import { LedgerLog } from '../../../../actors/destinations/local-file/ledger-log.ts'
import type { Target } from '../../../../schema/protocol.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const target = { namespace: 'shop', table: 'orders' } as Target
const hourMs = 3_600_000

const claim = (hour: number, token: string): ClaimLine => ({
  kind: 'claim',
  start: new Date(hour * hourMs).toISOString(),
  end: new Date((hour + 1) * hourMs).toISOString(),
  fence: 1,
  token,
  folder: 'shop/orders',
  name: `${hour}`,
})
const bounds = (hour: number) => ({ start: hour * hourMs, end: (hour + 1) * hourMs })
const tokenOf = (hour: number): string => hour.toString(16).padStart(12, '0')

/** A disk that counts what is done to ledgers. */
function counted(test: Pick<typeof t, 'teardown'>) {
  const dir = tempDir('ledger-log')
  test.teardown(dir.remove)
  const seen = { writes: 0, syncs: 0, reads: 0 }
  const disk: Disk = {
    ...nodeDisk,
    async openAppend(path, create) {
      const file = await nodeDisk.openAppend(path, create)
      return {
        ...file,
        append: (bytes) => {
          seen.writes += 1
          return file.append(bytes)
        },
        sync: () => {
          seen.syncs += 1
          return file.sync()
        },
        read: (into, offset) => {
          seen.reads += 1
          return file.read(into, offset)
        },
      }
    },
  }
  const open = () => new LedgerLog(disk, new Folders(disk, dir.path), target)
  const file = join(dir.path, 'shop/_derrick/orders.ranges.jsonl')
  return { open, seen, file, path: dir.path }
}

t.test('lines that come while others are written share one write and one sync', async (t) => {
  const { open, seen, file } = counted(t)
  const log = open()
  const hours = Array.from({ length: 60 }, (_, hour) => hour)
  const ledgers = await Promise.all(
    hours.map((hour) => log.append(claim(hour, tokenOf(hour)), true)),
  )
  hours.forEach((hour, i) => {
    t.equal(ledgers[i]?.entry(bounds(hour))?.claim, tokenOf(hour))
  })
  t.ok(seen.syncs <= 2, `${seen.syncs} syncs`)
  t.equal(seen.writes, seen.syncs)
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  t.equal(lines.length, 60)
  await log.close()
})

t.test('what nobody else has written to is not read again', async (t) => {
  const { open, seen } = counted(t)
  const log = open()
  await log.append(claim(0, tokenOf(0)))
  const { reads } = seen
  for (let hour = 1; hour < 20; hour += 1) await log.append(claim(hour, tokenOf(hour)))
  t.equal(seen.reads, reads)
  t.equal((await log.read()).entry(bounds(7))?.claim, tokenOf(7))
  await log.close()
})

t.test('two writers see each other, whoever is first', async (t) => {
  const { open } = counted(t)
  const [one, two] = [open(), open()]
  const all = Array.from({ length: 40 }, (_, hour) =>
    (hour % 2 ? one : two).append(claim(hour, tokenOf(hour)), hour % 3 === 0),
  )
  await Promise.all(all)
  for (const log of [one, two]) {
    const ledger = await log.read()
    for (let hour = 0; hour < 40; hour += 1)
      t.equal(ledger.entry(bounds(hour))?.claim, tokenOf(hour))
    await log.close()
  }
})

t.test('of two claims of one range in one write the first one counts', async (t) => {
  const { open } = counted(t)
  const log = open()
  const [first, second] = await Promise.all([
    log.append(claim(1, tokenOf(1))),
    log.append(claim(1, tokenOf(2))),
  ])
  t.equal(first?.entry(bounds(1))?.claim, tokenOf(1))
  t.equal(second?.entry(bounds(1))?.claim, tokenOf(1))
  await log.close()
})

t.test('folders that are synced by many at once are synced for each', async (t) => {
  const { path } = counted(t)
  const there = join(path, 'there')
  mkdirSync(there)
  await Promise.all(Array.from({ length: 50 }, () => nodeDisk.syncFolder(there)))
  const gone = join(path, 'gone')
  const ends = await Promise.allSettled([1, 2, 3].map(() => nodeDisk.syncFolder(gone)))
  t.same(
    ends.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  )
  mkdirSync(gone)
  await nodeDisk.syncFolder(gone)
})
