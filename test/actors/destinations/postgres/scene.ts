import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { makeEncoder } from '../../../../actors/destinations/postgres/encoder.ts'
import { PostgresWriter } from '../../../../actors/destinations/postgres/writer.ts'
import { addChecksums } from '../../../../actors/destinations/row-hash.ts'
import { Spool } from '../../../../actors/destinations/spool.ts'
import { SpoolPool } from '../../../../actors/destinations/spool-pool.ts'
import type {
  EncodedPage,
  RangeWriter,
  ReadReport,
  Row,
} from '../../../../actors/destinations/writer.ts'
import type { CommitSlots } from '../../../../runtime/engine/commit-slots.ts'
import type { PostgresConfig } from '../../../../schema/destination.ts'
import type { JobRange, Receipt, Reject, Target } from '../../../../schema/protocol.ts'

const dayMs = 86_400_000
const limits = { spoolMemoryBytes: 1024 * 1024, maxBodyBytes: 32 * 1024 * 1024 }

export interface AttemptOptions {
  target?: Partial<Target>
  range?: Partial<JobRange>
  offered?: number
  fetchedFrom?: number
  signal?: AbortSignal
  writer?: PostgresWriter
  isPart?: boolean
  /** slots of the destination as the supervisor grants them; without it each attempt has its own */
  slots?: CommitSlots
}

/** One attempt in the hands of a test. */
export interface Attempt {
  writer: RangeWriter
  begin(): ReturnType<RangeWriter['begin']>
  write(records: readonly Row[]): Promise<EncodedPage>
  commit(): Promise<Receipt>
  abort(): Promise<void>
  rejects: Reject[]
  schemaChanges: { name: string; type: string }[]
}

/** A writer on a namespace of its own, and a plain connection beside it. */
export class Scene {
  readonly namespace: string
  readonly target: Target
  readonly writer: PostgresWriter
  readonly client: pg.Client
  readonly #spoolDir = mkdtempSync(join(tmpdir(), 'derrick-spool-'))
  readonly #pool = new SpoolPool()
  #offered = 1

  constructor(
    url: string,
    name: string,
    target: Partial<Target> = {},
    config: Partial<PostgresConfig> = {},
  ) {
    this.namespace = name
    this.target = { ...targetOf(name), ...target }
    this.writer = new PostgresWriter({ url, ...config })
    this.client = new pg.Client({ connectionString: url })
    this.client.on('error', () => {})
  }

  async open(): Promise<this> {
    await this.client.connect()
    return this
  }

  attempt(options: AttemptOptions = {}): Attempt {
    const target = { ...this.target, ...options.target }
    const range = { ...day(0), ...options.range }
    const fetchedFrom = options.fetchedFrom ?? Date.UTC(2026, 5, 1)
    const signal = options.signal ?? new AbortController().signal
    let giveBack: (() => void) | undefined
    const slot = Promise.withResolvers<void>()
    slot.promise.catch(() => {})
    signal.addEventListener('abort', () => slot.reject(signal.reason), { once: true })
    const commitSlot = (): Promise<void> => {
      if (!options.slots) return Promise.resolve()
      giveBack ??= options.slots.request('dst_1', 4, slot.resolve)
      return slot.promise
    }
    const rejects: Reject[] = []
    const schemaChanges: { name: string; type: string }[] = []
    const spool = new Spool({
      pool: this.#pool,
      dir: this.#spoolDir,
      name: () => `${range.id}-${Math.floor(Math.random() * 1e9)}`,
      memoryBytes: limits.spoolMemoryBytes,
      signal,
    })
    this.#offered += 1
    const writer = (options.writer ?? this.writer).openRange({
      target,
      range,
      offeredFence: options.offered ?? this.#offered,
      spoolDir: this.#spoolDir,
      limits,
      spool,
      signal,
      commitSlot,
      onRejects: (list) => rejects.push(...list),
      onSchemaChange: (_, columns) => schemaChanges.push(...columns),
    })
    const encoder = makeEncoder({ target, range, fetchedFrom })
    const report: ReadReport = {
      pages: 0,
      records: 0,
      checksum: 0,
      fetchedFrom,
      isPart: options.isPart ?? false,
    }
    return {
      writer,
      rejects,
      schemaChanges,
      begin: () => writer.begin(),
      async write(records) {
        const page = encoder.encode(
          records,
          new Set(records.filter(({ deleted }) => deleted === true)),
        )
        rejects.push(...page.rejects)
        report.pages += 1
        report.records += page.recordCount
        report.checksum = addChecksums(report.checksum, page.checksum)
        await writer.writePage(page)
        return page
      },
      async commit() {
        const receipt = await writer.commit(report).finally(() => giveBack?.())
        await spool.drop()
        return receipt
      },
      async abort() {
        await writer.abort()
        await spool.drop()
      },
    }
  }

  /** A whole attempt: claim, pages, commit. */
  async sync(pages: readonly (readonly Row[])[], options: AttemptOptions = {}): Promise<Receipt> {
    const attempt = this.attempt(options)
    const { recovered } = await attempt.begin()
    if (recovered) return recovered
    for (const page of pages) await attempt.write(page)
    return attempt.commit()
  }

  get table(): string {
    return `"${this.namespace}"."${this.target.table}"`
  }

  async rows(columns = '*', order = '1'): Promise<Record<string, unknown>[]> {
    return (await this.client.query(`select ${columns} from ${this.table} order by ${order}`)).rows
  }

  async close(): Promise<void> {
    await this.writer.close()
    await this.client.end()
    rmSync(this.#spoolDir, { recursive: true, force: true })
  }
}

/** The n-th day of 2026 in UTC. */
export function day(n: number, more: Partial<JobRange> = {}): JobRange {
  const start = Date.UTC(2026, 0, 1) + n * dayMs
  return {
    id: n + 1,
    kind: 'window',
    start,
    end: start + dayMs,
    granularity: 'day',
    zone: 'UTC',
    committedFence: null,
    ...more,
  }
}

export const fullRange = (more: Partial<JobRange> = {}): JobRange => ({
  ...day(0),
  kind: 'full',
  start: 0,
  end: 0,
  ...more,
})

function targetOf(name: string): Target {
  return {
    destinationId: 'dst_1',
    type: 'postgres',
    config: {},
    configVersion: 1,
    streamKey: JSON.stringify(['default', name, 'orders']),
    namespace: name,
    table: 'orders',
    writeMode: 'upsert',
    deletes: 'keep',
    primaryKey: ['id'],
    cursorField: 'updated_at',
    tracks: 'updates',
  }
}
