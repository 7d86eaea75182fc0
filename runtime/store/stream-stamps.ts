import type Sqlite from 'better-sqlite3'

/**
 * What tells whether anybody has changed what a stream's syncs depend on, and the columns that the engine itself moves. One row,
 * read at each step of a run, in the place of five.
 */
export interface StreamStamp {
  streamVersion: number
  connectionVersion: number
  sourceVersion: number
  /** as stored: secrets that their API changes raise no version */
  sourceConfig: string
  destinationVersion: number
  workspaceName: string
  heldLanes: number
  frontierFrom: number | null
  frontierTo: number | null
  /** JSON Failure */
  pausedReason: string | null
  lastScheduledAt: number | null
  countPending: number
  countRunning: number
  countComplete: number
  countFailed: number
  sourceState: 'active' | 'paused'
  /** JSON Failure */
  sourceStateReason: string | null
  sourcePausedUntil: number | null
}

export type StreamStampStore = ReturnType<typeof makeStreamStampStore>

export function makeStreamStampStore(db: Sqlite.Database) {
  const find = db.prepare(
    `select s.version as streamVersion, c.version as connectionVersion, o.version as sourceVersion,
       o.config as sourceConfig, d.version as destinationVersion, w.name as workspaceName, s.held_lanes as heldLanes,
       s.frontier_from as frontierFrom, s.frontier_to as frontierTo, s.paused_reason as pausedReason,
       s.last_scheduled_at as lastScheduledAt, s.count_pending as countPending, s.count_running as countRunning,
       s.count_complete as countComplete, s.count_failed as countFailed, o.state as sourceState,
       o.state_reason as sourceStateReason, o.paused_until as sourcePausedUntil
     from streams s join connections c on c.id = s.connection_id join sources o on o.id = c.source_id
       join destinations d on d.id = c.destination_id join workspaces w on w.id = s.workspace_id where s.id = ? || ''`,
  )
  return {
    /** Undefined when the stream, or what it needs, was deleted. */
    find: (streamId: string) => find.get(streamId) as StreamStamp | undefined,
  }
}

/** Whether what people configure is the same in both; what the engine moves may differ. */
export const isSameSetting = (a: StreamStamp, b: StreamStamp): boolean =>
  a.streamVersion === b.streamVersion &&
  a.connectionVersion === b.connectionVersion &&
  a.sourceVersion === b.sourceVersion &&
  a.destinationVersion === b.destinationVersion &&
  a.sourceConfig === b.sourceConfig &&
  a.workspaceName === b.workspaceName
