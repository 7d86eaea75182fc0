import type { ApiKey } from '../../schema/api-key.ts'
import { instantText } from '../../schema/common.ts'
import type { Connection } from '../../schema/connection.ts'
import { type Destination, destinationConfigs } from '../../schema/destination.ts'
import type { Activity } from '../../schema/event.ts'
import { rangeIdText } from '../../schema/id.ts'
import { secretFields } from '../../schema/manifest/config.ts'
import type { Notification } from '../../schema/notification.ts'
import type { Range } from '../../schema/range.ts'
import { never, shownStatus } from '../../schema/range-state.ts'
import type { Run } from '../../schema/run.ts'
import type { Source } from '../../schema/source.ts'
import type { Stream } from '../../schema/stream.ts'
import type { Workspace } from '../../schema/workspace.ts'
import type { ConnectorRegistry } from '../connectors.ts'
import type { Engine } from '../engine/engine.ts'
import { upcomingFire } from '../engine/schedule.ts'
import type { ActivityRow } from '../store/activity.ts'
import type { ApiKeyRow } from '../store/api-keys.ts'
import type { ConnectionRow } from '../store/connections.ts'
import type { DestinationRow } from '../store/destinations.ts'
import type { NotificationRow } from '../store/notifications.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { RunRow } from '../store/runs.ts'
import { presentConfig } from '../store/secrets.ts'
import type { SourceRow } from '../store/sources.ts'
import type { Stores } from '../store/stores.ts'
import type { StreamRow } from '../store/streams.ts'
import type { WorkspaceRow } from '../store/workspaces.ts'

// Rows become what the API shows, field by field: nothing leaves that is not named here.

const instantOrNull = (ms: number | null): string | null => (ms === null ? null : instantText(ms))

export const presentWorkspace = (row: WorkspaceRow): Workspace => ({
  id: row.id,
  name: row.name,
  created_at: instantText(row.createdAt),
})

export const presentApiKey = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  role: row.role,
  workspace_id: row.workspaceId,
  hint: row.hint,
  created_at: instantText(row.createdAt),
  last_used_at: instantOrNull(row.lastUsedAt),
})

/** Secret fields of a source's config; none is known while the connector is missing. */
export function sourceSecrets(connectors: ConnectorRegistry, connector: string): Set<string> {
  const manifest = connectors.manifest(connector)
  return new Set(manifest ? secretFields(manifest) : [])
}

export function destinationSecrets(type: Destination['type']): Set<string> {
  const fields = Object.entries(destinationConfigs[type].properties)
  return new Set(fields.flatMap(([name, schema]) => ('x-secret' in schema ? [name] : [])))
}

export const presentSource = (row: SourceRow, connectors: ConnectorRegistry): Source => ({
  id: row.id,
  workspace_id: row.workspaceId,
  name: row.name,
  connector: row.connector,
  config: presentConfig(row.config, sourceSecrets(connectors, row.connector)),
  start_date: row.startDate,
  timezone: row.timezone,
  limits: row.limits,
  state: row.state,
  state_reason: row.stateReason,
  created_at: instantText(row.createdAt),
  updated_at: instantText(row.updatedAt),
})

export const presentDestination = (row: DestinationRow): Destination => ({
  id: row.id,
  workspace_id: row.workspaceId,
  name: row.name,
  type: row.type,
  config: presentConfig(row.config, destinationSecrets(row.type)),
  created_at: instantText(row.createdAt),
  updated_at: instantText(row.updatedAt),
})

export const presentConnection = (row: ConnectionRow): Connection => ({
  id: row.id,
  workspace_id: row.workspaceId,
  name: row.name,
  source_id: row.sourceId,
  destination_id: row.destinationId,
  namespace: row.namespace,
  stream_prefix: row.streamPrefix,
  created_at: instantText(row.createdAt),
  updated_at: instantText(row.updatedAt),
})

export interface StreamLookups {
  now: () => number
  stores: Pick<Stores, 'connections' | 'sources' | 'runs'>
  connectors: ConnectorRegistry
}

export function presentStream(row: StreamRow, { stores, connectors, now }: StreamLookups): Stream {
  const connection = stores.connections.find(row.connectionId)
  const source = connection && stores.sources.find(connection.sourceId)
  const capabilities = source && connectors.capabilities(source.connector, row.sourceStream)
  const { countPending: pending, countRunning: running } = row
  const { countComplete: complete, countFailed: failed } = row
  return {
    id: row.id,
    workspace_id: row.workspaceId,
    connection_id: row.connectionId,
    name: row.name,
    source_stream: row.sourceStream,
    path: capabilities?.path ?? null,
    window: capabilities?.window ?? true,
    primary_key: row.primaryKey,
    sync_strategy: row.syncStrategy,
    sync_granularity: row.syncGranularity,
    start_date: row.startDate ?? source?.startDate ?? null,
    schedule: row.schedule,
    schedule_timezone: row.scheduleTimezone,
    settle: row.settle,
    // Checked when it was stored.
    lookback: row.lookback as Stream['lookback'],
    retry: row.retry,
    parallel_ranges: row.parallelRanges,
    max_run_minutes: row.maxRunMinutes,
    write_mode: row.writeMode,
    deletes: row.deletes,
    columns: row.columns,
    enabled: row.enabled,
    ranges: { pending, running, complete, failed, total: pending + running + complete + failed },
    records: row.records,
    active_run_id: stores.runs.active(row.id)?.id ?? null,
    next_run_at: instantOrNull(nextRunAt(row, now())),
    created_at: instantText(row.createdAt),
    updated_at: instantText(row.updatedAt),
  }
}

const nextRunAt = (row: StreamRow, now: number): number | null =>
  row.schedule === null || !row.enabled
    ? null
    : upcomingFire(row.schedule, row.scheduleTimezone, now)

export function presentRun(row: RunRow, engine: Engine): Run {
  const isActive = row.status === 'queued' || row.status === 'running'
  const waiting = isActive ? engine.waitingFor(row.id) : undefined
  return {
    id: row.id,
    workspace_id: row.workspaceId,
    stream_id: row.streamId,
    connection_id: row.connectionId,
    trigger: row.trigger,
    status: row.status,
    ...(waiting === undefined ? {} : { waiting_for: waiting }),
    ...(isActive && engine.isCancelling(row.id) ? { cancelling: true } : {}),
    ranges: { total: row.rangesTotal, complete: row.rangesComplete, failed: row.rangesFailed },
    records: row.records,
    bytes: row.bytes,
    pages: row.pages,
    created_at: instantText(row.createdAt),
    started_at: instantOrNull(row.startedAt),
    finished_at: instantOrNull(row.finishedAt),
    error: row.error,
  }
}

/** When it is tried next: null while nothing waits, or when only a person can make it go on. */
function dueAt({ status, dueAt: due, finishedAt }: RangeRow): string | null {
  if (due === never || (due === 0 && status !== 'failed')) return null
  return instantText(due === 0 ? (finishedAt ?? 0) : due)
}

export const presentRange = (row: RangeRow): Range => ({
  id: rangeIdText(row.id),
  stream_id: row.streamId,
  kind: row.kind,
  start: row.kind === 'full' ? null : instantText(row.start),
  end: row.kind === 'full' ? null : instantText(row.end),
  status: shownStatus(row),
  sealed: row.sealed,
  committed_at: instantOrNull(row.committedAt),
  lane: row.lane,
  attempt: row.fence,
  tries: row.failures,
  // 0 is "at once", the largest number "never by itself".
  due_at: dueAt(row),
  records: row.records,
  bytes: row.bytes,
  pages: row.pages,
  rejects: row.rejects,
  error: row.error,
  run_id: row.runId,
  started_at: instantOrNull(row.startedAt),
  finished_at: instantOrNull(row.finishedAt),
})

export const presentActivity = (row: ActivityRow): Activity => ({
  id: row.id,
  at: instantText(row.at),
  level: row.level,
  kind: row.kind,
  message: row.message,
  stream_id: row.streamId,
  run_id: row.runId,
  range_id: row.rangeId === null ? null : rangeIdText(row.rangeId),
  data: row.data,
})

export const presentNotification = (row: NotificationRow): Notification => ({
  id: row.id,
  workspace_id: row.workspaceId,
  kind: row.kind,
  title: row.title,
  detail: row.detail,
  stream_id: row.streamId,
  count: row.count,
  read: row.readAt !== null,
  created_at: instantText(row.createdAt),
  updated_at: instantText(row.updatedAt),
})
