import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addChecksums } from '../../../actors/destinations/row-hash.ts'
import { Spool } from '../../../actors/destinations/spool.ts'
import { SpoolPool } from '../../../actors/destinations/spool-pool.ts'
import type {
  DestinationKind,
  DestinationWriter,
  RangeWriter,
  ReadReport,
  Row,
} from '../../../actors/destinations/writer.ts'
import { toFailure } from '../../../schema/error.ts'
import type { JobRange, Receipt, Reject, Target } from '../../../schema/protocol.ts'

const dayMs = 86_400_000
export const firstDay = Date.UTC(2026, 0, 1)

/** A folder that goes with the test. */
export async function tempFolder(t: { teardown: (f: () => unknown) => void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'derrick-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export function dayRange(day: number, more: Partial<JobRange> = {}): JobRange {
  const start = firstDay + day * dayMs
  return {
    id: day + 1,
    kind: 'window',
    start,
    end: start + dayMs,
    granularity: 'day',
    zone: 'UTC',
    committedFence: null,
    ...more,
  }
}

export const fullRange: JobRange = { ...dayRange(0), kind: 'full', start: 0, end: 0 }

let offered = 1000
/** Offered fences of one data folder only rise. */
export const nextOffer = (): number => {
  offered += 1
  return offered
}

export interface AttemptInput {
  target: Target
  range: JobRange
  /** records a page */
  pages: readonly (readonly Row[])[]
  /** records that the source marks as deleted */
  isDeleted?: (record: Row) => boolean
  fetchedFrom?: number
  /** Called before the commit, in the attempt's own turn. */
  beforeCommit?: () => Promise<void>
  signal?: AbortSignal
  offeredFence?: number
  /** only a part of the range was read */
  isPart?: boolean
  spoolMemoryBytes?: number
}

/** An attempt's parts, for tests that take its steps one by one. */
export interface Attempt {
  writer: RangeWriter
  spool: Spool
  rejects: Reject[]
  sanitised: number
  /** encodes and writes all pages; returns what the reader would report */
  writePages(): Promise<ReadReport>
}

export interface Outcome {
  fence: number
  /** fence of what was committed before */
  holds: number | null
  receipt: Receipt
  recovered: boolean
  rejects: Reject[]
  sanitised: number
}

export function openAttempt(
  kind: DestinationKind,
  destination: DestinationWriter,
  input: AttemptInput,
): Attempt {
  const {
    target,
    range,
    pages,
    isDeleted = () => false,
    signal = new AbortController().signal,
  } = input
  const offeredFence = input.offeredFence ?? nextOffer()
  const fetchedFrom = input.fetchedFrom ?? offeredFence * 1000
  const limits = {
    spoolMemoryBytes: input.spoolMemoryBytes ?? 4096,
    maxBodyBytes: 32 * 1024 * 1024,
  }
  const dir = join(tmpdir(), `derrick-spool-${process.pid}`)
  const spool = new Spool({
    pool: new SpoolPool(),
    dir,
    name: () => `${range.id}-${randomUUID()}`,
    memoryBytes: limits.spoolMemoryBytes,
    signal,
  })
  const writer = destination.openRange({
    target,
    range,
    offeredFence,
    spoolDir: dir,
    limits,
    spool,
    signal,
    commitSlot: () => Promise.resolve(),
    onRejects: (rejects) => attempt.rejects.push(...rejects),
    onSchemaChange: () => {},
  })
  const attempt: Attempt = { writer, spool, rejects: [], sanitised: 0, writePages }
  return attempt

  async function writePages(): Promise<ReadReport> {
    const encoder = kind.makeEncoder({ target, range, fetchedFrom })
    const isPart = input.isPart ?? false
    const report = { pages: 0, records: 0, checksum: 0, fetchedFrom, isPart }
    for (const records of pages) {
      const page = encoder.encode(records, new Set(records.filter(isDeleted)))
      report.pages += 1
      report.records += page.recordCount
      report.checksum = addChecksums(report.checksum, page.checksum)
      attempt.rejects.push(...page.rejects)
      attempt.sanitised += page.sanitised
      await writer.writePage(page)
    }
    return report
  }
}

/** A whole attempt: claims, writes, commits; what was recovered is not read again. Aborts and throws on failure. */
export async function runAttempt(
  kind: DestinationKind,
  destination: DestinationWriter,
  input: AttemptInput,
): Promise<Outcome> {
  const attempt = openAttempt(kind, destination, input)
  const { writer, spool } = attempt
  try {
    const { fence, holds = null, recovered } = await writer.begin()
    const end = (receipt: Receipt): Outcome => ({
      fence,
      holds,
      receipt,
      recovered: recovered !== undefined,
      rejects: attempt.rejects,
      sanitised: attempt.sanitised,
    })
    if (recovered) return end(recovered)
    const report = await attempt.writePages()
    await input.beforeCommit?.()
    return end(await writer.commit(report))
  } catch (error) {
    await writer.abort()
    throw error
  } finally {
    await spool.drop()
  }
}

/** The code of the failure that a promise rejects with; null when it holds. */
export function failureCode(promise: Promise<unknown>): Promise<string | null> {
  return promise.then(
    () => null,
    (error: unknown) => toFailure(error).code,
  )
}

/** `count` records with ids from `first` and a version, so that a test can tell whose rows are visible. */
export function records(count: number, version: string, first = 0): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `r${String(first + i).padStart(6, '0')}`,
    version,
    n: first + i,
    updated_at: '2026-01-01T00:00:00Z',
  }))
}

export function pagesOf(rows: readonly Row[], size: number): Row[][] {
  const pages: Row[][] = []
  for (let i = 0; i < rows.length; i += size) pages.push(rows.slice(i, i + size))
  return pages
}
