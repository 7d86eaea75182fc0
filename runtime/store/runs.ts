import type Database from 'better-sqlite3'
import type { Failure } from '../../schema/error.ts'
import type { RunStatus, RunTrigger } from '../../schema/run.ts'

/** A run as the ledger holds it; times are epoch ms. */
export interface RunRow {
  id: string
  workspaceId: string
  streamId: string
  connectionId: string
  trigger: RunTrigger
  status: RunStatus
  rangesTotal: number
  rangesComplete: number
  rangesFailed: number
  records: number
  bytes: number
  pages: number
  createdAt: number
  startedAt: number | null
  finishedAt: number | null
  error: Failure | null
}

export interface RunFilter {
  workspaceId: string
  streamId?: string
  connectionId?: string
  sourceId?: string
  statuses?: RunStatus[]
  createdFrom?: number
  createdTo?: number
  after?: { createdAt: number; id: string }
  limit: number
}

const columns = `id, workspace_id as workspaceId, stream_id as streamId, connection_id as connectionId, trigger, status,
  ranges_total as rangesTotal, ranges_complete as rangesComplete, ranges_failed as rangesFailed, records, bytes, pages,
  created_at as createdAt, started_at as startedAt, finished_at as finishedAt, error`

type Raw = Omit<RunRow, 'error'> & { error: string | null }
const toRow = (raw: Raw): RunRow => ({
  ...raw,
  error: raw.error === null ? null : JSON.parse(raw.error),
})

export type RunStore = ReturnType<typeof makeRunStore>

export function makeRunStore(db: Database.Database) {
  const get = db.prepare(`select ${columns} from runs where id = ?`)
  const active = db.prepare(
    `select ${columns} from runs where stream_id = ? and status in ('queued', 'running')`,
  )
  const allActive = db.prepare(
    `select ${columns} from runs where status in ('queued', 'running') order by created_at, id`,
  )
  const last = db.prepare(
    `select ${columns} from runs where stream_id = ? order by created_at desc, id desc limit 1`,
  )
  // Looks at the oldest rows only, in the order in which they were made.
  const prune = db.prepare(
    `delete from runs where rowid in
       (select rowid from (select rowid, created_at, status from runs order by rowid limit @limit)
        where status not in ('queued', 'running')
          and (created_at < @before or rowid <= (select max(rowid) from runs) - @keep))`,
  )
  const insert = db.prepare(
    `insert into runs (id, workspace_id, stream_id, connection_id, trigger, status, created_at)
     values (@id, @workspaceId, @streamId, @connectionId, @trigger, 'queued', @createdAt)`,
  )
  const save = db.prepare(
    `update runs set status = @status, ranges_total = @rangesTotal, ranges_complete = @rangesComplete,
     ranges_failed = @rangesFailed, records = @records, bytes = @bytes, pages = @pages, started_at = @startedAt,
     finished_at = @finishedAt, error = @error where id = @id`,
  )
  return {
    get: (id: string): RunRow | undefined => {
      const raw = get.get(id) as Raw | undefined
      return raw && toRow(raw)
    },
    active: (streamId: string): RunRow | undefined => {
      const raw = active.get(streamId) as Raw | undefined
      return raw && toRow(raw)
    },
    allActive: (): RunRow[] => (allActive.all() as Raw[]).map(toRow),
    last: (streamId: string): RunRow | undefined => {
      const raw = last.get(streamId) as Raw | undefined
      return raw && toRow(raw)
    },
    insert: (
      run: Pick<
        RunRow,
        'id' | 'workspaceId' | 'streamId' | 'connectionId' | 'trigger' | 'createdAt'
      >,
    ): void => {
      insert.run(run)
    },
    save: (run: RunRow): void => {
      save.run({ ...run, error: run.error === null ? null : JSON.stringify(run.error) })
    },
    /** Forgets runs that ended: at most `limit` of those created before `before`, or beyond the newest `keep`. */
    prune: (before: number, keep: number, limit: number): number =>
      prune.run({ before, keep, limit }).changes,
    list: (filter: RunFilter): RunRow[] => listRuns(db, filter).map(toRow),
  }
}

function listRuns(db: Database.Database, filter: RunFilter): Raw[] {
  const where = ['workspace_id = ?']
  const values: unknown[] = [filter.workspaceId]
  const add = (clause: string, ...more: unknown[]): void => {
    where.push(clause)
    values.push(...more)
  }
  if (filter.streamId) add('stream_id = ?', filter.streamId)
  if (filter.connectionId) add('connection_id = ?', filter.connectionId)
  if (filter.sourceId)
    add('connection_id in (select id from connections where source_id = ?)', filter.sourceId)
  if (filter.statuses?.length)
    add(`status in (${filter.statuses.map(() => '?').join(', ')})`, ...filter.statuses)
  if (filter.createdFrom !== undefined) add('created_at >= ?', filter.createdFrom)
  if (filter.createdTo !== undefined) add('created_at < ?', filter.createdTo)
  if (filter.after) add('(created_at, id) < (?, ?)', filter.after.createdAt, filter.after.id)
  const sql = `select ${columns} from runs where ${where.join(' and ')} order by created_at desc, id desc limit ?`
  return db.prepare(sql).all(...values, filter.limit) as Raw[]
}
