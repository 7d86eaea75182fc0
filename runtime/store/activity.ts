import type Sqlite from 'better-sqlite3'

/** One line of the activity log; `at` is epoch ms. */
export interface ActivityRow {
  id: number
  at: number
  workspaceId: string
  level: 'info' | 'warn' | 'error'
  kind: string
  message: string
  streamId: string | null
  runId: string | null
  rangeId: number | null
  data: Record<string, unknown>
}

export type NewActivity = Omit<ActivityRow, 'id' | 'streamId' | 'runId' | 'rangeId' | 'data'> &
  Partial<Pick<ActivityRow, 'streamId' | 'runId' | 'rangeId' | 'data'>>

export interface ActivityFilter {
  streamId?: string
  runId?: string
  level?: ActivityRow['level']
  /** newest first before this id, or with `oldestFirst` after it */
  after?: number
  oldestFirst?: boolean
  limit: number
}

type Raw = Omit<ActivityRow, 'data'> & { data: string }

const select = `select id, at, workspace_id as workspaceId, level, kind, message, stream_id as streamId,
  run_id as runId, range_id as rangeId, data from activity`

const toRow = (raw: Raw): ActivityRow => ({ ...raw, data: JSON.parse(raw.data) })

export type ActivityStore = ReturnType<typeof makeActivityStore>

export function makeActivityStore(db: Sqlite.Database) {
  const insert = db.prepare(
    `insert into activity (at, workspace_id, level, kind, message, stream_id, run_id, range_id, data)
     values (@at, @workspaceId, @level, @kind, @message, @streamId, @runId, @rangeId, @data)`,
  )
  // Bounded deletes: pruning after a long pause must not hold the supervisor.
  const pruneOld = db.prepare(
    'delete from activity where id in (select id from activity where at < ? order by id limit ?)',
  )
  const pruneMany = db.prepare(
    `delete from activity where id in
       (select id from activity where id <= (select max(id) from activity) - ? order by id limit ?)`,
  )
  return {
    add: (entry: NewActivity): ActivityRow => {
      const row = { streamId: null, runId: null, rangeId: null, data: {}, ...entry }
      const done = insert.run({ ...row, data: JSON.stringify(row.data) })
      return { id: Number(done.lastInsertRowid), ...row }
    },
    list: (workspaceId: string, filter: ActivityFilter): ActivityRow[] =>
      listActivity(db, workspaceId, filter).map(toRow),
    /** Deletes at most `limit` lines that are older than `before` or beyond the newest `keep`. */
    prune: (before: number, keep: number, limit: number): number =>
      pruneOld.run(before, limit).changes + pruneMany.run(keep, limit).changes,
  }
}

function listActivity(db: Sqlite.Database, workspaceId: string, filter: ActivityFilter): Raw[] {
  const where = ['workspace_id = ?']
  const values: unknown[] = [workspaceId]
  const add = (clause: string, value: unknown): void => {
    if (value === undefined) return
    where.push(clause)
    values.push(value)
  }
  add('stream_id = ?', filter.streamId)
  add('run_id = ?', filter.runId)
  add('level = ?', filter.level)
  add(filter.oldestFirst ? 'id > ?' : 'id < ?', filter.after)
  const order = filter.oldestFirst ? 'asc' : 'desc'
  const sql = `${select} where ${where.join(' and ')} order by id ${order} limit ?`
  return db.prepare(sql).all(...values, filter.limit) as Raw[]
}
