import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

/** A range as Derrick's own database has it. */
export interface LedgerRange {
  stream: string
  kind: 'window' | 'full'
  start: number
  end: number
  status: 'pending' | 'running' | 'complete' | 'failed'
  /** epoch ms; null: nothing of it is said to be in the destination */
  committedAt: number | null
  fetchedFrom: number | null
  records: number
  error: string | null
}

export interface Ledger {
  ranges: LedgerRange[]
  /** `ok`, or what SQLite found to be wrong */
  integrity: string
}

const statuses = ['pending', 'running', 'complete', 'failed'] as const
const query = `
  select s.name as stream, r.kind, r.start, r."end", r.status, r.committed_at as committedAt,
    r.fetched_from as fetchedFrom, r.records, r.error
  from ranges r join streams s on s.id = r.stream_id order by r.stream_id, r.start`

interface Row extends Omit<LedgerRange, 'kind' | 'status'> {
  kind: number
  status: number
}

export interface LedgerReader extends Disposable {
  ranges(): LedgerRange[]
  /** reads all of the file */
  integrity(): string
}

/** Looks into the database of a program that is dead or alive, without changing it; for more than one look. */
export function openLedger(dataDir: string): LedgerReader {
  const db = new Sqlite(join(dataDir, 'derrick.db'), { readonly: true, timeout: 5_000 })
  let select: Sqlite.Statement | undefined
  const prepare = (): Sqlite.Statement | undefined => {
    const known = db.prepare(`select 1 from sqlite_schema where name = 'ranges'`).get()
    return known ? db.prepare(query) : undefined
  }
  return {
    ranges() {
      select ??= prepare()
      return ((select?.all() ?? []) as Row[]).map((row) => ({
        ...row,
        kind: row.kind === 1 ? ('full' as const) : ('window' as const),
        status: statuses[row.status] ?? 'failed',
      }))
    },
    integrity: () => String(db.pragma('integrity_check', { simple: true })),
    [Symbol.dispose]: () => void db.close(),
  }
}

/** One look; `check` reads all of the file. */
export function readLedger(dataDir: string, check = true): Ledger {
  if (!existsSync(join(dataDir, 'derrick.db'))) return { ranges: [], integrity: 'ok' }
  using ledger = openLedger(dataDir)
  const integrity = check ? ledger.integrity() : 'ok'
  return { ranges: ledger.ranges(), integrity }
}
