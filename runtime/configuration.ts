import type { ColumnTypes } from '../schema/column-type.ts'
import { durationMs } from '../schema/common.ts'
import { defaultCommitSlots, type PostgresConfig } from '../schema/destination.ts'
import { derrickError, type Failure, failure } from '../schema/error.ts'
import { isOffered, streamCapabilities } from '../schema/manifest/capabilities.ts'
import type { Manifest } from '../schema/manifest/manifest.ts'
import { lookbackRule } from '../schema/revisit.ts'
import { startDateMs } from '../schema/tiling.ts'
import type { ConnectorRegistry } from './connectors.ts'
import type { Configuration, JobInputs, StreamContext } from './engine/context.ts'
import type { ConnectionRow, ConnectionStore } from './store/connections.ts'
import type { DestinationRow, DestinationStore } from './store/destinations.ts'
import type { SecretBox } from './store/secrets.ts'
import type { SourceRow, SourceStore } from './store/sources.ts'
import { isSameSetting, type StreamStamp, type StreamStampStore } from './store/stream-stamps.ts'
import type { StreamRow, StreamStore } from './store/streams.ts'

export interface ConfigurationParts {
  streams: StreamStore
  streamStamps: StreamStampStore
  connections: ConnectionStore
  sources: SourceStore
  destinations: DestinationStore
  connectors: ConnectorRegistry
  secrets: SecretBox
}

interface Rows {
  stream: StreamRow
  connection: ConnectionRow
  source: SourceRow
  destination: DestinationRow
}

type Moved = 'heldLanes' | 'lastScheduledAt' | 'pausedReason' | 'frontier' | 'counts'
type MovedOfSource = 'paused' | 'pausedReason' | 'pausedUntil'

/** A stream without what the engine itself moves. */
type SettledContext = Omit<StreamContext, Moved | 'source'> & {
  source: Omit<StreamContext['source'], MovedOfSource>
}

/** A stream as it was read, and what it was read from. */
interface Prepared {
  stamp: StreamStamp
  /** of the source's connector */
  manifest: Manifest | undefined
  rows: Rows
  context: SettledContext
  /** made when a job is built; holds secrets */
  inputs?: JobInputs
}

/** Streams that are kept prepared; those that were used least lately are read anew when they are wanted. */
const mostPrepared = 1_000

/**
 * The engine's view of the stored configuration. Asked at each step of a run, so a stream stays prepared until what it was
 * read from changes: every look compares versions with the database and the connector's manifest, so no edit is missed.
 */
export function makeConfiguration(parts: ConfigurationParts): Configuration {
  const known = new Map<string, Prepared>()
  const prepare = (streamId: string, stamp: StreamStamp): Prepared | undefined => {
    const rows = rowsOf(streamId, parts)
    if (!rows) return undefined
    const manifest = parts.connectors.manifest(rows.source.connector)
    return { stamp, manifest, rows, context: toContext(rows, stamp.workspaceName, manifest) }
  }
  const preparedOf = (streamId: string): [Prepared, StreamStamp] | undefined => {
    const stamp = parts.streamStamps.find(streamId)
    const before = known.get(streamId)
    known.delete(streamId)
    if (!stamp) return undefined
    const isCurrent =
      before !== undefined &&
      isSameSetting(before.stamp, stamp) &&
      parts.connectors.manifest(before.rows.source.connector) === before.manifest
    const prepared = isCurrent ? before : prepare(streamId, stamp)
    if (!prepared) return undefined
    // Most recently used last: the first is the one to forget.
    known.set(streamId, prepared)
    if (known.size > mostPrepared) known.delete(known.keys().next().value as string)
    return [prepared, stamp]
  }
  return {
    stream: (streamId) => {
      const found = preparedOf(streamId)
      return found && withMoved(found[0].context, found[1])
    },
    jobInputs: (streamId) => {
      const found = preparedOf(streamId)
      if (!found) throw derrickError('unknown', 'stream.not_found', 'the stream was deleted')
      const [prepared] = found
      prepared.inputs ??= jobInputs(prepared, parts)
      return prepared.inputs
    },
    scheduledStreams: () => parts.streams.idsScheduled(),
    streamsOfSource: (sourceId) => parts.streams.idsOfSource(sourceId),
    streamsOfDestination: (destinationId) => parts.streams.idsOfDestination(destinationId),
    saveFrontier: (streamId, frontier) => parts.streams.saveFrontier(streamId, frontier),
    setHeldLanes: (streamId, lanes) => parts.streams.setHeldLanes(streamId, lanes),
    setScheduledAt: (streamId, at) => parts.streams.setScheduledAt(streamId, at),
    pauseStream: (streamId, reason) => parts.streams.pause(streamId, reason),
    pauseSource: (sourceId, reason) => parts.sources.pause(sourceId, reason),
    setSourcePausedUntil: (sourceId, until) => parts.sources.setPausedUntil(sourceId, until),
  }
}

function rowsOf(streamId: string, parts: ConfigurationParts): Rows | undefined {
  const stream = parts.streams.find(streamId)
  const connection = stream && parts.connections.find(stream.connectionId)
  const source = connection && parts.sources.find(connection.sourceId)
  const destination = connection && parts.destinations.find(connection.destinationId)
  return (
    stream && connection && source && destination && { stream, connection, source, destination }
  )
}

const failureOf = (text: string | null): Failure | null => (text === null ? null : JSON.parse(text))

/** A prepared stream with what the engine itself has moved by now. */
const withMoved = (context: SettledContext, stamp: StreamStamp): StreamContext => ({
  ...context,
  heldLanes: stamp.heldLanes,
  lastScheduledAt: stamp.lastScheduledAt,
  pausedReason: failureOf(stamp.pausedReason),
  frontier:
    stamp.frontierFrom === null || stamp.frontierTo === null
      ? null
      : { from: stamp.frontierFrom, to: stamp.frontierTo },
  counts: {
    pending: stamp.countPending,
    running: stamp.countRunning,
    complete: stamp.countComplete,
    failed: stamp.countFailed,
  },
  source: {
    ...context.source,
    paused: stamp.sourceState === 'paused',
    pausedReason: failureOf(stamp.sourceStateReason),
    pausedUntil: stamp.sourcePausedUntil,
  },
})

function toContext(
  { stream, connection, source, destination }: Rows,
  workspaceName: string,
  manifest: Manifest | undefined,
): SettledContext {
  const capabilities = manifest && streamCapabilities(manifest, stream.sourceStream, source.config)
  return {
    streamId: stream.id,
    workspaceId: stream.workspaceId,
    workspaceName,
    connectionId: connection.id,
    connectionName: connection.name,
    streamName: stream.name,
    title: `${connection.name}/${stream.name}`,
    enabled: stream.enabled,
    strategy: stream.syncStrategy,
    granularity: stream.syncGranularity,
    schedule: stream.schedule,
    scheduleZone: stream.scheduleTimezone,
    settleMs: durationOf(stream.settle) ?? capabilities?.settle_ms ?? 0,
    ...lookbackRule(stream.lookback, capabilities?.revise_ms ?? 0),
    retry: stream.retry,
    parallelRanges: stream.parallelRanges,
    maxRunMs: stream.maxRunMinutes === null ? null : stream.maxRunMinutes * 60_000,
    writeMode: stream.writeMode,
    deletes: stream.deletes,
    columns: { ...capabilities?.types, ...typesOf(stream.columns) },
    primaryKey: stream.primaryKey,
    start: startOf(stream, source),
    source: {
      id: source.id,
      name: source.name,
      zone: source.timezone,
      maxInFlight: Math.min(
        manifest?.api.max_in_flight ?? 1,
        source.limits.max_in_flight ?? Number.POSITIVE_INFINITY,
      ),
      ...(source.limits.reserve === undefined ? {} : { reserve: source.limits.reserve }),
    },
    target: { namespace: connection.namespace, table: `${connection.streamPrefix}${stream.name}` },
    destination: {
      id: destination.id,
      type: destination.type,
      version: destination.version,
      commitSlots:
        (destination.config as Partial<PostgresConfig>).commit_slots ?? defaultCommitSlots,
    },
    connector: {
      streamName: stream.sourceStream,
      ...(capabilities ? {} : { missing: connectorMissing(source.connector, stream.sourceStream) }),
      windowed: capabilities?.window ?? false,
      endFilter: capabilities?.end_filter ?? false,
      startFilter: capabilities?.start_filter ?? false,
      maxAgeMs: capabilities?.max_age_ms ?? null,
      isOffered: !manifest || isOffered(manifest, stream.sourceStream, source.config),
      cursorField: capabilities?.cursor_field ?? null,
      tracks: capabilities?.tracks ?? 'none',
    },
  }
}

function jobInputs({ rows, manifest }: Prepared, parts: ConfigurationParts): JobInputs {
  const { source, destination } = rows
  if (!manifest) {
    throw derrickError(
      'transform',
      'connector.missing',
      `the connector ${source.connector} is missing or broken`,
      {
        remedy: `see "derrick connector check ${source.connector}"`,
      },
    )
  }
  return {
    manifest,
    sourceConfig: parts.secrets.decryptConfig({ kind: 'source', id: source.id }, source.config),
    destinationConfig: parts.secrets.decryptConfig(
      { kind: 'destination', id: destination.id },
      destination.config,
    ),
  }
}

const typesOf = (columns: StreamRow['columns']): ColumnTypes =>
  Object.fromEntries(Object.entries(columns).map(([field, { type }]) => [field, type]))

const connectorMissing = (connector: string, stream: string): Failure =>
  failure(
    'transform',
    'connector.missing',
    `the connector ${connector} is missing or broken, or has no stream ${stream}`,
    { remedy: `see "derrick connector check ${connector}"` },
  )

const durationOf = (text: string | null): number | undefined =>
  text === null ? undefined : durationMs(text)

/** Streams begin where they say, else where their source says; the API stores one of both at creation. */
function startOf(stream: StreamRow, source: SourceRow): number {
  const text = stream.startDate ?? source.startDate
  return (text === null ? undefined : startDateMs(text, source.timezone)) ?? stream.createdAt
}
