/**
 * What each promise of the Local File destination costs: the same ranges written with all of them, and with one taken away from
 * outside. The product has no such switches; here its parts are handed another disk or another spool.
 *
 *   node bench/promises.ts [--ranges 60] [--rounds 5]
 *
 * Prints a table and, as the last line, the same as JSON.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crc32 } from 'node:zlib'
import { type Disk, nodeDisk } from '../actors/destinations/local-file/disk.ts'
import { makeEncoder } from '../actors/destinations/local-file/encoder.ts'
import { rowTail, sumRows } from '../actors/destinations/local-file/row-tail.ts'
import { LocalFileWriter } from '../actors/destinations/local-file/writer.ts'
import { Spool } from '../actors/destinations/spool.ts'
import { SpoolPool } from '../actors/destinations/spool-pool.ts'
import type { Row } from '../actors/destinations/writer.ts'
import { startSimulator } from '../actors/simulator/server.ts'
import { tempDir } from '../test/support/temp-dir.ts'
import { commitPages } from './writer/commit-pages.ts'
import { type Case, inTurns } from './writer/in-turns.ts'
import { benchDay, benchTarget } from './writer/target.ts'

const { values } = parseArgs({
  options: {
    ranges: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '5' },
  },
})
const ranges = Number(values.ranges)
const rounds = Number(values.rounds)

const dayMs = 86_400_000
const firstDay = Date.UTC(2026, 0, 1)
const pagesPerRange = 5
const fetchedFrom = Date.UTC(2026, 6, 1)
const usualMemory = 1024 * 1024

const target = benchTarget('local_file', 'bench', 'events', {
  cursorField: 'created_at',
  tracks: 'creation',
})

/** Pages of 1,000 events, as the shop gives them. */
async function readPages(): Promise<Row[][]> {
  const end = firstDay + dayMs
  const streams = { events: { perDay: 1000 * (pagesPerRange + 1), lateShare: 0 } }
  const shop = await startSimulator({ startMs: firstDay, nowMs: end, streams })
  const pages: Row[][] = []
  const query = `since=${firstDay / 1000}&until=${end / 1000}&limit=1000`
  let url: string | null = `${shop.url}/v1/events?${query}`
  while (url && pages.length < pagesPerRange) {
    const answer: Response = await fetch(url, {
      headers: { authorization: `Bearer ${shop.apiKey}` },
    })
    const page = (await answer.json()) as { data: Row[]; links: { next: string | null } }
    pages.push(page.data)
    url = page.links.next
  }
  await shop.close()
  return pages
}

interface Variant {
  pages: Row[][]
  disk?: Disk
  spoolMemoryBytes?: number
}

const noSync: Disk = {
  ...nodeDisk,
  async createFile(path) {
    return { ...(await nodeDisk.createFile(path)), sync: async () => {} }
  },
  async openAppend(path, create) {
    return { ...(await nodeDisk.openAppend(path, create)), sync: async () => {} }
  },
  syncFolder: async () => {},
}

/** Writes all ranges, one after the other, as the destination actor would; ms and CPU µs a range. */
async function writeRanges({ pages, disk = nodeDisk, spoolMemoryBytes = usualMemory }: Variant) {
  using dir = tempDir('bench')
  const writer = new LocalFileWriter({ path: join(dir.path, 'files') }, disk)
  const { signal } = new AbortController()
  const pool = new SpoolPool()
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  for (let day = 0; day < ranges; day += 1) {
    const range = benchDay(firstDay, day, null)
    const spool = new Spool({
      pool,
      dir: join(dir.path, 'spool'),
      name: () => String(day),
      memoryBytes: spoolMemoryBytes,
      signal,
    })
    const limits = { spoolMemoryBytes, maxBodyBytes: usualMemory }
    const attempt = writer.openRange({
      ...{ target, range, limits, spool, signal, offeredFence: day + 1, spoolDir: dir.path },
      commitSlot: async () => {},
      onRejects: () => {},
      onSchemaChange: () => {},
    })
    await attempt.begin()
    const encoder = makeEncoder({ target, range, fetchedFrom })
    await commitPages({ attempt, encoder, spool }, pages, fetchedFrom)
  }
  const ms = (performance.now() - startedAt) / ranges
  const { user, system } = process.cpuUsage(cpu)
  await writer.close()
  return { ms, cpuUs: (user + system) / ranges }
}

/** Both checksums of the pages of a range once more: what they cost where they are made, and the second look at them. */
async function checksumOnly(pages: Row[][]) {
  const range = benchDay(firstDay, 0, null)
  const tail = Buffer.byteLength(rowTail(range, fetchedFrom))
  const encoder = makeEncoder({ target, range, fetchedFrom })
  const bytes = pages.map((page) => encoder.encode(page).bytes)
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  for (let day = 0; day < ranges; day += 1) {
    for (const page of bytes) {
      sumRows(page, tail)
      crc32(page)
      crc32(page)
    }
  }
  const { user, system } = process.cpuUsage(cpu)
  return { ms: (performance.now() - startedAt) / ranges, cpuUs: (user + system) / ranges }
}

const median = (list: number[]): number =>
  list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN

const pages = await readPages()
const records = pages.reduce((sum, page) => sum + page.length, 0)
const cases: Case<{ ms: number; cpuUs: number }>[] = [
  ['every promise', () => writeRanges({ pages })],
  ['without fsync', () => writeRanges({ pages, disk: noSync })],
  ['spool only in memory', () => writeRanges({ pages, spoolMemoryBytes: Number.MAX_SAFE_INTEGER })],
  ['claim, fence and ledger alone', () => writeRanges({ pages: [] })],
  ['checksums alone', () => checksumOnly(pages)],
]
const measured = await inTurns(cases, rounds)
const lines = cases.map(([name], at) => ({
  name,
  ms_per_range: Number(median((measured[at] ?? []).map(({ ms }) => ms)).toFixed(2)),
  cpu_us_per_range: Math.round(median((measured[at] ?? []).map(({ cpuUs }) => cpuUs))),
}))
const print = (line: string): boolean => process.stdout.write(`${line}\n`)
print(`${`a range of ${records} records`.padEnd(34)}        ms    CPU µs`)
for (const { name, ms_per_range: ms, cpu_us_per_range: cpu } of lines) {
  print(`${name.padEnd(34)}${String(ms).padStart(10)}${String(cpu).padStart(10)}`)
}
print(JSON.stringify({ bench: 'promises', records_per_range: records, ranges, rounds, lines }))
