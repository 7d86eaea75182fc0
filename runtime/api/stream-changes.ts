import { isOffered, type StreamCapabilities } from '../../schema/manifest/capabilities.ts'
import { nearest } from '../../schema/manifest/nearest.ts'
import type { Retry, Stream, StreamCreate, StreamPatch } from '../../schema/stream.ts'
import { isZone, startDateMs } from '../../schema/tiling.ts'
import { nextFire } from '../engine/schedule.ts'
import type { ConnectionRow } from '../store/connections.ts'
import type { SourceRow } from '../store/sources.ts'
import type { StreamRow } from '../store/streams.ts'
import type { WorkspaceRow } from '../store/workspaces.ts'
import type { ApiDeps } from './deps.ts'
import { requireNoRanges } from './needs-reset.ts'
import { presentStream } from './present.ts'
import { ApiProblem, unprocessable } from './problem.ts'
import type { FieldError } from './problem-schema.ts'
import { stopStream } from './stop-stream.ts'
import { requireFreeTargets } from './targets.ts'

const code = 'stream.invalid'
const defaultRetry: Retry = { max_attempts: 5, backoff_seconds: 2 }

/** What a stream depends on. */
interface Surroundings {
  connection: ConnectionRow
  source: SourceRow
}

/** Throws ApiProblem 409 (name or target taken) or 422 (what the connector can't do, bad times). */
export function createStream(
  workspace: WorkspaceRow,
  body: StreamCreate,
  deps: ApiDeps,
): StreamRow {
  const { stores, now, newId } = deps
  const connection = stores.connections.get(workspace.id, body.connection_id)
  const source = connection && stores.sources.find(connection.sourceId)
  if (!connection || !source) {
    throw unprocessable(code, [
      { pointer: '/connection_id', detail: 'there is no such connection' },
    ])
  }
  if (stores.streams.byName(connection.id, body.name)) {
    throw new ApiProblem(
      409,
      'stream.name_taken',
      `${connection.name} has a stream ${body.name} already`,
    )
  }
  const sourceStream = body.source_stream ?? body.name
  const can = capabilitiesOf(
    source,
    sourceStream,
    body.source_stream ? '/source_stream' : '/name',
    deps,
  )
  const row = newRow(body, {
    id: newId('str'),
    workspace,
    connection,
    sourceStream,
    can,
    at: now(),
  })
  checkStream(row, { connection, source }, can, deps)
  const table = `${connection.streamPrefix}${row.name}`
  const { destinationId, namespace } = connection
  requireFreeTargets([{ destinationId, namespace, table }], new Set(), deps)
  stores.streams.insert(row)
  return row
}

function newRow(
  body: StreamCreate,
  {
    id,
    workspace,
    connection,
    sourceStream,
    can,
    at,
  }: {
    id: string
    workspace: WorkspaceRow
    connection: ConnectionRow
    sourceStream: string
    can: StreamCapabilities
    at: number
  },
): StreamRow {
  const primaryKey = body.primary_key ?? can.primary_key
  return {
    id,
    workspaceId: workspace.id,
    connectionId: connection.id,
    name: body.name,
    sourceStream,
    primaryKey,
    syncStrategy: body.sync_strategy ?? (can.newest_first ? 'newest_first' : 'oldest_first'),
    syncGranularity: body.sync_granularity ?? 'day',
    startDate: body.start_date ?? null,
    schedule: body.schedule ?? null,
    scheduleTimezone: body.schedule_timezone ?? 'UTC',
    settle: body.settle ?? null,
    lookback: body.lookback ?? null,
    retry: { ...defaultRetry, ...body.retry },
    parallelRanges: body.parallel_ranges ?? 'auto',
    maxRunMinutes: body.max_run_minutes ?? null,
    writeMode: body.write_mode ?? (primaryKey.length > 0 ? 'upsert' : 'append'),
    deletes: body.deletes ?? 'keep',
    columns: body.columns ?? {},
    enabled: body.enabled ?? true,
    frontierFrom: null,
    frontierTo: null,
    frontierZone: null,
    frontierGranularity: null,
    heldLanes: 0,
    pausedReason: null,
    countPending: 0,
    countRunning: 0,
    countComplete: 0,
    countFailed: 0,
    records: 0,
    lastScheduledAt: null,
    version: 1,
    createdAt: at,
    updatedAt: at,
  }
}

/** Throws ApiProblem 409 stream.needs_reset or 422; returns the row as stored. */
export function changeStream(row: StreamRow, patch: StreamPatch, deps: ApiDeps): StreamRow {
  const { stores, engine, now } = deps
  const connection = stores.connections.find(row.connectionId) as ConnectionRow
  const source = stores.sources.find(connection.sourceId) as SourceRow
  const changed: StreamRow = {
    ...row,
    sourceStream: patch.source_stream ?? row.sourceStream,
    primaryKey: patch.primary_key ?? row.primaryKey,
    syncStrategy: patch.sync_strategy ?? row.syncStrategy,
    syncGranularity: patch.sync_granularity ?? row.syncGranularity,
    startDate: given(patch.start_date, row.startDate),
    schedule: given(patch.schedule, row.schedule),
    scheduleTimezone: patch.schedule_timezone ?? row.scheduleTimezone,
    settle: given(patch.settle, row.settle),
    lookback: given(patch.lookback, row.lookback),
    retry: { ...row.retry, ...patch.retry },
    parallelRanges: patch.parallel_ranges ?? row.parallelRanges,
    maxRunMinutes: given(patch.max_run_minutes, row.maxRunMinutes),
    writeMode: patch.write_mode ?? row.writeMode,
    deletes: patch.deletes ?? row.deletes,
    columns: patch.columns ?? row.columns,
    enabled: patch.enabled ?? row.enabled,
    updatedAt: now(),
  }
  const can = deps.connectors.capabilities(source.connector, changed.sourceStream)
  // A broken connector must not keep people from, say, disabling its streams.
  if (can) checkStream(changed, { connection, source }, can, deps)
  else if (changed.sourceStream !== row.sourceStream) {
    capabilitiesOf(source, changed.sourceStream, '/source_stream', deps)
  }
  for (const [what, differs] of fixedByRanges(row, changed)) {
    if (differs) requireNoRanges([row.id], what, deps)
  }
  stores.streams.save(changed)
  // Enabled again by hand: whatever it was paused for may be over.
  if (patch.enabled === true && row.pausedReason) stores.streams.pause(row.id, null)
  engine.streamChanged(row.id)
  return stores.streams.find(row.id) ?? changed
}

const given = <T>(value: T | undefined, before: T): T => (value === undefined ? before : value)

function fixedByRanges(before: StreamRow, after: StreamRow): [string, boolean][] {
  const key = JSON.stringify
  return [
    ['sync_granularity', before.syncGranularity !== after.syncGranularity],
    ['primary_key', key(before.primaryKey) !== key(after.primaryKey)],
    ['source_stream', before.sourceStream !== after.sourceStream],
  ]
}

/** Throws ApiProblem 422: stream.strategy_unsupported, or all other bad fields at once. */
function checkStream(
  row: StreamRow,
  { source }: Surroundings,
  can: StreamCapabilities,
  { now }: ApiDeps,
): void {
  if (row.syncStrategy === 'newest_first' && !can.newest_first) {
    const detail = can.newest_first_reason ?? 'the connector can not limit a read by its end'
    throw unprocessable(
      'stream.strategy_unsupported',
      [{ pointer: '/sync_strategy', detail }],
      'use oldest_first',
    )
  }
  const errors: FieldError[] = []
  const granularities = can.granularities
  if (granularities.length > 0 && !granularities.includes(row.syncGranularity)) {
    errors.push({
      pointer: '/sync_granularity',
      detail: `the API can only be asked by ${granularities.join(' or ')}`,
    })
  }
  if (row.startDate !== null && startDateMs(row.startDate, source.timezone) === undefined) {
    errors.push({ pointer: '/start_date', detail: 'does not exist', remedy: 'such as 2024-01-31' })
  }
  if (!isZone(row.scheduleTimezone)) {
    errors.push({
      pointer: '/schedule_timezone',
      detail: 'is not a known time zone',
      remedy: 'such as Europe/Berlin',
    })
  } else if (
    row.schedule !== null &&
    nextFire(row.schedule, row.scheduleTimezone, now()) === null
  ) {
    errors.push({
      pointer: '/schedule',
      detail: 'is no cron expression that ever fires',
      remedy: 'such as */15 * * * *',
    })
  }
  for (const field of row.primaryKey) {
    if (!Object.hasOwn(row.columns, field)) continue
    errors.push({
      pointer: `/columns/${field}`,
      detail: 'a key has the type of its values',
      remedy: 'leave it out',
    })
  }
  if (row.writeMode === 'upsert' && row.primaryKey.length === 0) {
    errors.push({
      pointer: '/write_mode',
      detail: 'upsert needs a primary key',
      remedy: 'give primary_key, or use append',
    })
  }
  if (errors.length > 0) throw unprocessable(code, errors)
}

function capabilitiesOf(
  source: SourceRow,
  stream: string,
  pointer: string,
  { connectors }: ApiDeps,
): StreamCapabilities {
  const manifest = connectors.manifest(source.connector)
  const can = connectors.capabilities(source.connector, stream)
  if (manifest && can && !isOffered(manifest, stream, source.config)) {
    const detail = `${source.name} does not offer ${stream} as it is configured`
    throw unprocessable(code, [
      { pointer, detail, remedy: `see enabled_if of ${stream} in the connector` },
    ])
  }
  if (can) return can
  if (!manifest) {
    throw new ApiProblem(
      409,
      'connector.missing',
      `the connector ${source.connector} is missing or has errors`,
      { remedy: `see /api/v1/connectors/${encodeURIComponent(source.connector)}` },
    )
  }
  const known = Object.keys(manifest.streams)
  const close = nearest(stream, known)
  throw unprocessable(code, [
    {
      pointer,
      detail: `${manifest.name} has no stream ${stream}`,
      remedy: close ? `did you mean ${close}?` : `it has ${known.join(', ')}`,
    },
  ])
}

/** Cancels what runs, then forgets the stream and its ranges. What it wrote stays. */
export async function removeStream(row: StreamRow, deps: ApiDeps): Promise<void> {
  const { stores, engine } = deps
  if (row.enabled) stores.streams.save({ ...row, enabled: false, updatedAt: deps.now() })
  await stopStream(row.id, deps)
  stores.streams.delete(row.workspaceId, row.id)
  engine.streamChanged(row.id)
  // There is no event for "gone": other consoles read anew.
  deps.hub.publish(row.workspaceId, { topic: 'resync', data: {} })
}

/** Tells live clients of a stream's new state and returns it. */
export function streamSaved(row: StreamRow, deps: ApiDeps): Stream {
  const stream = presentStream(row, deps)
  deps.hub.publish(row.workspaceId, { topic: 'stream', data: stream })
  return stream
}
