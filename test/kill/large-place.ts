import { createReadStream, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { startPostgres } from '../support/postgres.ts'
import { canonicalRecord, ours } from './canonical.ts'
import { filesBelow } from './file-records.ts'
import { openFiles } from './files-place.ts'
import { namespace } from './place.ts'
import { openDatabase } from './postgres-place.ts'
import { comparable } from './postgres-reader.ts'

/** A destination whose content is too large to be looked at as a whole: a range at a time. */
export interface LargePlace {
  type: 'local_file' | 'postgres'
  config: Record<string, unknown>
  /** Once the program is gone: what makes looking range by range possible. */
  prepare(): Promise<void>
  /** the JSON texts of a range's rows, our own columns included */
  rows(start: number): AsyncIterable<string>
  /** one text for all records that mean the same there, without our columns */
  canonical(json: string): string
  /** starts of what is there, of which each must be a range's */
  starts(): Promise<number[]>
  leftovers(): Promise<string[]>
  close(): Promise<void>
}

const stream = 'events'

export async function openLargePlace(type: LargePlace['type'], home: string): Promise<LargePlace> {
  return type === 'local_file' ? openLargeFiles(home) : openLargeDatabase()
}

async function openLargeFiles(home: string): Promise<LargePlace> {
  const place = await openFiles(home)
  const folder = join(String(place.config.path), namespace, stream)
  mkdirSync(folder, { recursive: true })
  let files = new Map<number, string[]>()
  return {
    type: 'local_file',
    config: place.config,
    async prepare() {
      files = Map.groupBy(filesBelow(folder), (path) => startOf(basename(path)))
    },
    async *rows(start) {
      for (const path of files.get(start) ?? []) {
        yield* createInterface({
          input: createReadStream(path),
          crlfDelay: Number.POSITIVE_INFINITY,
        })
      }
    },
    canonical: (json) => canonicalRecord(json, ours),
    starts: async () => [...files.keys()],
    leftovers: place.reader.leftovers,
    close: place.close,
  }
}

/** `20260131T230000Z.jsonl` and its parts; NaN for what is no range's file. */
function startOf(name: string): number {
  const [, y, m, d, h, min, s] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:-\d{4})?\.jsonl$/.exec(name) ?? []
  return Date.parse(`${y}-${m}-${d}T${h}:${min}:${s}Z`)
}

async function openLargeDatabase(): Promise<LargePlace> {
  const server = await startPostgres({ settings: { max_wal_size: '2GB' } })
  const place = await openDatabase(server)
  const pool = new pg.Pool({ connectionString: server.url, max: 1 })
  const table = `${namespace}.${stream}`
  return {
    type: 'postgres',
    config: place.config,
    async prepare() {
      // A program that died early made none.
      const { rows } = await pool.query('select to_regclass($1) is not null as is_there', [table])
      if (!rows[0].is_there) return
      await pool.query(`create index if not exists judge on ${table} (_derrick_range)`)
    },
    async *rows(start) {
      const { rows } = await pool.query(
        `select row_to_json(t)::text as row from ${table} t where _derrick_range = $1`,
        [new Date(start)],
      )
      for (const { row } of rows as { row: string }[]) yield row
    },
    canonical: comparable,
    async starts() {
      const { rows } = await pool.query(`select distinct _derrick_range as start from ${table}`)
      return rows.map(({ start }) => (start as Date | null)?.getTime() ?? Number.NaN)
    },
    leftovers: place.reader.leftovers,
    async close() {
      await pool.end()
      await place.close()
    },
  }
}
