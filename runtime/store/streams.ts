import type Sqlite from 'better-sqlite3'
import type { Failure } from '../../schema/error.ts'
import type {
  DeletePolicy,
  Granularity,
  Retry,
  StreamColumns,
  SyncStrategy,
  WriteMode,
} from '../../schema/stream.ts'
import { type Page, selectPage } from './page.ts'

/** A stream as stored, with the engine's own columns; times are epoch ms. */
export interface StreamRow {
  id: string
  workspaceId: string
  connectionId: string
  name: string
  sourceStream: string
  primaryKey: string[]
  syncStrategy: SyncStrategy
  syncGranularity: Granularity
  startDate: string | null
  schedule: string | null
  scheduleTimezone: string
  settle: string | null
  lookback: string | null
  retry: Retry
  parallelRanges: number | 'auto'
  maxRunMinutes: number | null
  writeMode: WriteMode
  deletes: DeletePolicy
  columns: StreamColumns
  enabled: boolean
  /** [frontierFrom, frontierTo) has range rows; null before the first plan */
  frontierFrom: number | null
  frontierTo: number | null
  frontierZone: string | null
  frontierGranularity: Granularity | null
  /** bit k: lane k waits for a manual trigger */
  heldLanes: number
  pausedReason: Failure | null
  countPending: number
  countRunning: number
  countComplete: number
  countFailed: number
  records: number
  lastScheduledAt: number | null
  version: number
  createdAt: number
  updatedAt: number
}

export interface StreamFilter extends Page {
  name?: string
  connectionId?: string
}

export interface StreamFrontier {
  from: number
  to: number
}

type Json = 'primaryKey' | 'retry' | 'parallelRanges' | 'columns'
type Raw = Omit<StreamRow, Json | 'pausedReason' | 'enabled'> &
  Record<Json, string> & { pausedReason: string | null; enabled: number }

const select = `select id, workspace_id as workspaceId, connection_id as connectionId, name,
  source_stream as sourceStream, primary_key as primaryKey, sync_strategy as syncStrategy,
  sync_granularity as syncGranularity, start_date as startDate, schedule, schedule_timezone as scheduleTimezone,
  settle, lookback, retry, parallel_ranges as parallelRanges,
  max_run_minutes as maxRunMinutes, write_mode as writeMode, deletes, columns, enabled,
  frontier_from as frontierFrom, frontier_to as frontierTo, frontier_zone as frontierZone,
  frontier_granularity as frontierGranularity, held_lanes as heldLanes, paused_reason as pausedReason,
  count_pending as countPending, count_running as countRunning, count_complete as countComplete,
  count_failed as countFailed, records, last_scheduled_at as lastScheduledAt, version, created_at as createdAt,
  updated_at as updatedAt from streams`

const toRow = (raw: Raw): StreamRow => ({
  ...raw,
  primaryKey: JSON.parse(raw.primaryKey),
  retry: JSON.parse(raw.retry),
  parallelRanges: JSON.parse(raw.parallelRanges),
  columns: JSON.parse(raw.columns),
  pausedReason: raw.pausedReason === null ? null : JSON.parse(raw.pausedReason),
  enabled: raw.enabled === 1,
})
const toRaw = (row: StreamRow): Raw => ({
  ...row,
  primaryKey: JSON.stringify(row.primaryKey),
  retry: JSON.stringify(row.retry),
  parallelRanges: JSON.stringify(row.parallelRanges),
  columns: JSON.stringify(row.columns),
  pausedReason: row.pausedReason === null ? null : JSON.stringify(row.pausedReason),
  enabled: row.enabled ? 1 : 0,
})

export type StreamStore = ReturnType<typeof makeStreamStore>

export function makeStreamStore(db: Sqlite.Database) {
  const statements = prepare(db)
  const row = (raw: unknown) => (raw === undefined ? undefined : toRow(raw as Raw))
  const rows = (raws: unknown[]) => (raws as Raw[]).map(toRow)
  return {
    get: (workspaceId: string, id: string) => row(statements.get.get(id, workspaceId)),
    /** For the engine, whose ids come from our own rows; the API asks with a workspace. */
    find: (id: string) => row(statements.find.get(id)),
    byName: (connectionId: string, name: string) => row(statements.byName.get(connectionId, name)),
    list: (workspaceId: string, { name, connectionId, ...page }: StreamFilter): StreamRow[] => {
      const equals = { workspace_id: workspaceId, name, connection_id: connectionId }
      return rows(selectPage(db, select, equals, page))
    },
    ofConnection: (connectionId: string) => rows(statements.ofConnection.all(connectionId)),
    /** Streams that write to a destination, whatever their connection, with where they write. */
    targets: (destinationId: string) => statements.targets.all(destinationId) as StreamTarget[],
    idsOfSource: (sourceId: string) => statements.idsOfSource.all(sourceId) as string[],
    idsOfDestination: (id: string) => statements.idsOfDestination.all(id) as string[],
    idsScheduled: () => statements.scheduled.all() as string[],
    /** Counts of all ranges of a workspace by state, from the streams' own counters. */
    totals: (workspaceId: string) => statements.totals.get(workspaceId) as StreamTotals,
    insert: (stream: StreamRow): void => {
      statements.insert.run(toRaw(stream))
    },
    /** Writes what people configure; raises the version. The engine's columns stay as they are. */
    save: (stream: StreamRow): void => {
      statements.save.run(toRaw(stream))
    },
    saveFrontier: (id: string, { from, to }: StreamFrontier): void => {
      statements.saveFrontier.run(from, to, id)
    },
    setHeldLanes: (id: string, lanes: number): void => {
      statements.hold.run(lanes, id)
    },
    setScheduledAt: (id: string, at: number): void => {
      statements.scheduledAt.run(at, id)
    },
    /** With null the stream goes on. */
    pause: (id: string, reason: Failure | null): void => {
      statements.pause.run(reason === null ? null : JSON.stringify(reason), id)
    },
    /** Deletes the stream and its part of the ledger; what it wrote at the destination stays, as do its runs. */
    delete: db.transaction((workspaceId: string, id: string): boolean => {
      if (statements.get.get(id, workspaceId) === undefined) return false
      for (const statement of statements.forget) statement.run(id)
      return statements.remove.run(id, workspaceId).changes > 0
    }),
  }
}

export interface StreamTarget {
  streamId: string
  streamName: string
  connectionId: string
  connectionName: string
  workspaceId: string
  namespace: string
  table: string
}

export interface StreamTotals {
  streams: number
  enabled: number
  paused: number
  failing: number
  pending: number
  running: number
  complete: number
  failed: number
  records: number
}

function prepare(db: Sqlite.Database) {
  return {
    get: db.prepare(`${select} where id = ? and workspace_id = ?`),
    find: db.prepare(`${select} where id = ?`),
    byName: db.prepare(`${select} where connection_id = ? and name = ?`),
    ofConnection: db.prepare(`${select} where connection_id = ? order by id`),
    targets: db.prepare(
      `select s.id as streamId, s.name as streamName, c.id as connectionId, c.name as connectionName,
         c.workspace_id as workspaceId, c.namespace, c.stream_prefix || s.name as "table"
       from connections c join streams s on s.connection_id = c.id where c.destination_id = ?`,
    ),
    idsOfSource: idsBy(db, 'source_id'),
    idsOfDestination: idsBy(db, 'destination_id'),
    scheduled: db
      .prepare('select id from streams where enabled = 1 and schedule is not null')
      .pluck(),
    totals: db.prepare(
      `select count(*) as streams, coalesce(sum(enabled), 0) as enabled,
         coalesce(sum(paused_reason is not null), 0) as paused, coalesce(sum(count_failed > 0), 0) as failing,
         coalesce(sum(count_pending), 0) as pending, coalesce(sum(count_running), 0) as running,
         coalesce(sum(count_complete), 0) as complete, coalesce(sum(count_failed), 0) as failed,
         coalesce(sum(records), 0) as records
       from streams where workspace_id = ?`,
    ),
    insert: db.prepare(
      `insert into streams (id, workspace_id, connection_id, name, source_stream, primary_key, sync_strategy,
         sync_granularity, start_date, schedule, schedule_timezone, settle, lookback, retry, parallel_ranges,
         max_run_minutes, write_mode, deletes, columns, enabled, created_at, updated_at)
       values (@id, @workspaceId, @connectionId, @name, @sourceStream, @primaryKey, @syncStrategy,
         @syncGranularity, @startDate, @schedule, @scheduleTimezone, @settle, @lookback, @retry, @parallelRanges,
         @maxRunMinutes, @writeMode, @deletes, @columns, @enabled, @createdAt, @updatedAt)`,
    ),
    save: db.prepare(
      `update streams set source_stream = @sourceStream, primary_key = @primaryKey,
         sync_strategy = @syncStrategy, sync_granularity = @syncGranularity, start_date = @startDate,
         schedule = @schedule, schedule_timezone = @scheduleTimezone, settle = @settle, lookback = @lookback,
         retry = @retry, parallel_ranges = @parallelRanges, max_run_minutes = @maxRunMinutes, write_mode = @writeMode, deletes = @deletes,
         columns = @columns,
         enabled = @enabled, version = version + 1, updated_at = @updatedAt
       where id = @id and workspace_id = @workspaceId`,
    ),
    saveFrontier: db.prepare('update streams set frontier_from = ?, frontier_to = ? where id = ?'),
    hold: db.prepare('update streams set held_lanes = ? where id = ?'),
    scheduledAt: db.prepare('update streams set last_scheduled_at = ? where id = ?'),
    pause: db.prepare('update streams set paused_reason = ? where id = ?'),
    forget: [
      'delete from attempts where range_id in (select id from ranges where stream_id = ?)',
      'delete from rejects where range_id in (select id from ranges where stream_id = ?)',
      'delete from ranges where stream_id = ?',
    ].map((sql) => db.prepare(sql)),
    remove: db.prepare('delete from streams where id = ? and workspace_id = ?'),
  }
}

const idsBy = (db: Sqlite.Database, column: 'source_id' | 'destination_id') =>
  db
    .prepare(
      `select s.id from streams s join connections c on c.id = s.connection_id where c.${column} = ?`,
    )
    .pluck()
