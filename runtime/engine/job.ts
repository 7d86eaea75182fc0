import type { JobLimits, JobRange, RangeJob, Target } from '../../schema/protocol.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { EngineDeps, JobInputs, StreamContext } from './context.ts'
import { partOf } from './read-part.ts'

const jobLimits: JobLimits = { spoolMemoryBytes: 1024 * 1024, maxBodyBytes: 32 * 1024 * 1024 }

/**
 * Names, not ids: another machine, `run`, or a restored backup finds what it wrote before.
 * JSON keeps the parts apart whatever characters they hold.
 */
export const streamKey = (
  context: Pick<StreamContext, 'workspaceName' | 'connectionName' | 'streamName'>,
): string => JSON.stringify([context.workspaceName, context.connectionName, context.streamName])

/** What all ranges of a stream have in common until somebody changes its configuration; by what it was made of. */
const settings = new WeakMap<JobInputs, Pick<RangeJob, 'connector' | 'config' | 'target'>>()

function settingOf(context: StreamContext, inputs: JobInputs) {
  const known = settings.get(inputs)
  if (known) return known
  const setting = {
    connector: { manifest: inputs.manifest, streamName: context.connector.streamName },
    config: inputs.sourceConfig,
    target: buildTarget(context, inputs),
  }
  settings.set(inputs, setting)
  return setting
}

/** Plain data for the worker, secrets included: never log it. */
export function buildJob(
  context: StreamContext,
  row: RangeRow,
  runId: string,
  inputs: JobInputs,
  place: Pick<EngineDeps, 'spoolDir' | 'resumeDir' | 'allowPrivateNetworks' | 'now'>,
): RangeJob {
  return {
    runId,
    streamId: context.streamId,
    sourceId: context.source.id,
    range: jobRange(context, row, place.now()),
    lane: row.lane,
    offeredFence: row.fence,
    ...settingOf(context, inputs),
    limits: jobLimits,
    spoolDir: place.spoolDir,
    // Whoever asks for it again wants it as it is now.
    ...(place.resumeDir && row.kind === 'full' && row.lane !== 'repair'
      ? { resumeDir: place.resumeDir }
      : {}),
    allowPrivateNetworks: place.allowPrivateNetworks,
  }
}

/** What an attempt at a range is told of it. */
export function jobRange(context: StreamContext, row: RangeRow, now: number): JobRange {
  const { granularity, source, settleMs, lookbackMs, untilUnchanged } = context
  const { id, kind, start, end, fetchedFrom, unchanged } = row
  const part = partOf(context, row, now)
  return {
    id,
    kind,
    start,
    end,
    granularity,
    zone: source.zone,
    // What is read again on purpose is read, whatever the destination has by then.
    committedFence: row.lane === 'repair' ? Number.POSITIVE_INFINITY : row.committedFence,
    finality: { settleMs, lookbackMs, untilUnchanged, fetchedFrom, unchanged },
    ...(part ? { part } : {}),
    ...(row.force ? { force: true } : {}),
  }
}

/** Where a stream lands, secrets included. */
export function buildTarget(
  context: StreamContext,
  inputs: Pick<JobInputs, 'destinationConfig'>,
): Target {
  return {
    destinationId: context.destination.id,
    type: context.destination.type,
    config: inputs.destinationConfig,
    configVersion: context.destination.version,
    streamKey: streamKey(context),
    namespace: context.target.namespace,
    table: context.target.table,
    writeMode: context.writeMode,
    deletes: context.deletes,
    primaryKey: context.primaryKey,
    columns: context.columns,
    cursorField: context.connector.cursorField,
    tracks: context.connector.tracks,
  }
}
