import type Sqlite from 'better-sqlite3'

/** What ran within one hour; `hour` is its start in epoch ms. */
export interface HourStats {
  hour: number
  runs: number
  failed: number
  records: number
  bytes: number
}

/** Where a stream stands, with the names that people gave. */
export interface StreamFigures {
  workspace: string
  connection: string
  stream: string
  enabled: number
  pending: number
  running: number
  complete: number
  failed: number
  records: number
  /** epoch ms; null when no sync ever was complete */
  lastComplete: number | null
}

const hourMs = 3_600_000

export type StatsStore = ReturnType<typeof makeStatsStore>

/** Figures over runs, bounded by time so that their cost is, too. */
export function makeStatsStore(db: Sqlite.Database) {
  const hours = db.prepare(
    `select created_at / ${hourMs} * ${hourMs} as hour, count(*) as runs,
       sum(status in ('failed', 'partial')) as failed, sum(records) as records, sum(bytes) as bytes
     from runs where workspace_id = ? and created_at >= ? group by 1 order by 1`,
  )
  const streams = db.prepare(
    `select w.name as workspace, c.name as connection, s.name as stream, s.enabled, s.count_pending as pending,
       s.count_running as running, s.count_complete as complete, s.count_failed as failed, s.records,
       (select finished_at from runs r where r.stream_id = s.id and r.status = 'complete'
        order by r.created_at desc, r.id desc limit 1) as lastComplete
     from streams s join connections c on c.id = s.connection_id join workspaces w on w.id = s.workspace_id
     where @workspaceId is null or s.workspace_id = @workspaceId order by s.id limit @limit`,
  )
  return {
    /** Streams of one workspace, or with null of all, the oldest first. */
    streams: (workspaceId: string | null, limit: number) =>
      streams.all({ workspaceId, limit }) as StreamFigures[],
    /** Hours with runs since a time, oldest first. */
    hours: (workspaceId: string, since: number) => hours.all(workspaceId, since) as HourStats[],
  }
}
