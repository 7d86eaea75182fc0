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

/** Looks into the database of a program that is dead or alive, without changing it; `check` reads all of its file. */
export function readLedger(dataDir: string, check = true): Ledger {
  const file = join(dataDir, 'derrick.db')
  if (!existsSync(file)) return { ranges: [], integrity: 'ok' }
  const db = new Sqlite(file, { readonly: true, timeout: 5_000 })
  try {
    const integrity = check ? String(db.pragma('integrity_check', { simple: true })) : 'ok'
    const known = db.prepare(`select 1 from sqlite_schema where name = 'ranges'`).get()
    const rows = known ? (db.prepare(query).all() as Row[]) : []
    const ranges = rows.map((row) => ({
      ...row,
      kind: row.kind === 1 ? ('full' as const) : ('window' as const),
      status: statuses[row.status] ?? 'failed',
    }))
    return { ranges, integrity }
  } finally {
    db.close()
  }
}
