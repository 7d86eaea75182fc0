import { appendFileSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { ReadPage, ReadPoint } from '../../actors/connectors/reader.ts'
import { exactJson } from '../../actors/destinations/raw-json.ts'
import { ResumeLog, resumableForMs } from '../../actors/resume-log.ts'
import { tempDir } from '../support/temp-dir.ts'

const pointAt = (number: number): ReadPoint => ({
  position: { number, offset: 0, token: `t${number}`, url: null, size: 100 },
  counted: { pages: number, records: number * 3, firstTotal: null, lastTotal: null },
})

/** Page `i` of `count`: what it holds is told by its number. */
const pageOf = (i: number, count: number): ReadPage => {
  const records = [0, 1, 2].map((n) => ({
    id: `r${i}-${n}`,
    // More digits than a double has.
    big: exactJson(`9${'0'.repeat(17)}${i}`),
    text: 'ä\n"\u2028',
    ['__proto__']: i,
  }))
  return {
    records,
    bytes: 10 * i,
    requests: 1,
    dropped: i % 2,
    deleted: new Set(records.slice(0, i % 3)),
    rejects: i % 5 === 0 ? [{ reason: 'odd', where: 'x', sample: '{}' }] : [],
    point: i + 1 === count ? null : pointAt(i + 1),
  }
}

/** What a page says, whichever way it came. */
const said = ({ records, deleted, bytes, dropped, rejects }: ReadPage): string =>
  JSON.stringify([
    records,
    records.map((one) => deleted?.has(one) ?? false),
    bytes,
    dropped,
    rejects,
  ])

async function replayed(log: ResumeLog): Promise<string[]> {
  const pages: string[] = []
  for await (const page of log.replay()) pages.push(said(page))
  return pages
}

t.test('whatever is cut off, what is left is a beginning, and the rest follows', async () => {
  using home = tempDir('resume')
  const path = join(home.path, 'folder', '1.pages')
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.nat({ max: 59 }),
      fc.nat({ max: 3_000 }),
      fc.boolean(),
      async (count, stop, cut, isGarbled) => {
        const all = Array.from({ length: count }, (_, i) => pageOf(i, count))
        const first = await ResumeLog.open(path, 'orders', Date.now())
        for (const page of all.slice(0, stop)) await first.append(page)
        await first.close(true)
        try {
          const { length } = readFileSync(path)
          truncateSync(path, Math.max(0, length - cut))
          if (isGarbled) appendFileSync(path, 'deadbeef {"records":[]}\n')
        } catch {
          // Too short to be on the disk.
        }
        const second = await ResumeLog.open(path, 'orders', Date.now())
        const found = await replayed(second)
        const { point } = second
        const from = point === undefined ? 0 : point === null ? count : point.position.number
        if (from !== found.length) return false
        for (const page of all.slice(from)) await second.append(page)
        await second.close(true)
        const third = await ResumeLog.open(path, 'orders', Date.now())
        const whole = await replayed(third)
        await third.close(false)
        const isAll = [...found, ...all.slice(from).map(said)].join() === all.map(said).join()
        return isAll && whole.join() === all.slice(0, whole.length).map(said).join()
      },
    ),
    { numRuns: 60 },
  )
})

t.test('what is of something else, too old or done is forgotten', async (t) => {
  using home = tempDir('resume')
  const path = join(home.path, '1.pages')
  const now = Date.now()
  const keep = async (identity: string, at: number) => {
    const log = await ResumeLog.open(path, identity, at)
    const had = (await replayed(log)).length
    for (let i = had; i < 20; i++) await log.append(pageOf(i, 99))
    await log.close(true)
    return { had, fetchedFrom: log.fetchedFrom }
  }
  t.same(await keep('a', now), { had: 0, fetchedFrom: now })
  t.same(await keep('a', now + 5), { had: 20, fetchedFrom: now }, 'it is the read that began then')
  t.equal((await keep('b', now)).had, 0)
  t.equal((await keep('b', now + resumableForMs + 60_000)).had, 0)
  const log = await ResumeLog.open(path, 'b', now)
  await log.close(false)
  t.equal((await keep('b', now)).had, 0)
})

t.test('an abort in the middle of the replay takes nothing away', async (t) => {
  using home = tempDir('resume')
  const path = join(home.path, '1.pages')
  const open = () => ResumeLog.open(path, 'a', Date.now())
  const first = await open()
  for (let i = 0; i < 30; i++) await first.append(pageOf(i, 99))
  await first.close(true)
  const second = await open()
  for await (const _ of second.replay()) break
  await second.close(true)
  t.equal((await replayed(await open())).length, 30)
})

t.test('a disk that takes nothing costs the resumption, not the read', async (t) => {
  using home = tempDir('resume')
  appendFileSync(join(home.path, 'file'), 'x')
  const log = await ResumeLog.open(join(home.path, 'file', '1.pages'), 'a', Date.now())
  for (let i = 0; i < 30; i++) await log.append(pageOf(i, 99))
  await log.close(true)
  t.equal((await replayed(log)).length, 0)
})
