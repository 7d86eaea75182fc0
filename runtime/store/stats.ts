import type Sqlite from 'better-sqlite3'

/** What ran within one hour; `hour` is its start in epoch ms. */
export interface HourStats {
  hour: number
  runs: number
  failed: number
  records: number
  bytes: number
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
  return {
    /** Hours with runs since a time, oldest first. */
    hours: (workspaceId: string, since: number) => hours.all(workspaceId, since) as HourStats[],
  }
}
