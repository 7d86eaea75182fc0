import type { ConnectionCreate, ConnectionPatch } from '../../schema/connection.ts'
import { DerrickError } from '../../schema/error.ts'
import type { Run, RunTrigger } from '../../schema/run.ts'
import type { ConnectionRow } from '../store/connections.ts'
import type { RunRow } from '../store/runs.ts'
import type { WorkspaceRow } from '../store/workspaces.ts'
import type { ApiDeps } from './deps.ts'
import { requireFreeName } from './free-name.ts'
import { requireNoRanges } from './needs-reset.ts'
import { presentRun } from './present.ts'
import { unprocessable } from './problem.ts'
import type { FieldError } from './problem-schema.ts'
import { stopStream } from './stop-stream.ts'
import { removeStream } from './stream-changes.ts'
import { requireFreeTargets } from './targets.ts'

/** Throws ApiProblem 409 for a taken name, 422 for a source or destination that is not in the workspace. */
export function createConnection(
  workspace: WorkspaceRow,
  body: ConnectionCreate,
  { stores, now, newId }: ApiDeps,
): ConnectionRow {
  requireFreeName('connection', body.name, stores.connections.byName(workspace.id, body.name))
  const source = stores.sources.get(workspace.id, body.source_id)
  const destination = stores.destinations.get(workspace.id, body.destination_id)
  const errors: FieldError[] = []
  if (!source) errors.push({ pointer: '/source_id', detail: 'there is no such source' })
  if (!destination) {
    errors.push({ pointer: '/destination_id', detail: 'there is no such destination' })
  }
  if (!source || !destination) throw unprocessable('connection.invalid', errors)
  const row: ConnectionRow = {
    id: newId('con'),
    workspaceId: workspace.id,
    name: body.name,
    sourceId: source.id,
    destinationId: destination.id,
    namespace: body.namespace ?? cleanName(source.name),
    streamPrefix: body.stream_prefix ?? '',
    version: 1,
    createdAt: now(),
    updatedAt: now(),
  }
  stores.connections.insert(row)
  return row
}

/** A name that every destination takes without quotes. */
function cleanName(name: string): string {
  const clean = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
  return /^[a-z]/.test(clean) ? clean : `source_${clean}`.replace(/_$/, '')
}

/** Throws ApiProblem 409 when a name is taken, or ranges are filed under what would change. */
export function changeConnection(
  row: ConnectionRow,
  patch: ConnectionPatch,
  deps: ApiDeps,
): ConnectionRow {
  const { stores, engine, now } = deps
  const name = patch.name ?? row.name
  const namespace = patch.namespace ?? row.namespace
  const streamPrefix = patch.stream_prefix ?? row.streamPrefix
  requireFreeName('connection', name, stores.connections.byName(row.workspaceId, name), row.id)
  const streams = stores.streams.ofConnection(row.id)
  const ids = streams.map((stream) => stream.id)
  // The destination's own ledger files ranges under the names of connection and stream.
  if (name !== row.name) requireNoRanges(ids, `the name of ${row.name}`, deps)
  if (namespace !== row.namespace || streamPrefix !== row.streamPrefix) {
    requireNoRanges(ids, `where ${row.name} writes`, deps)
    const wanted = streams.map((stream) => ({
      destinationId: row.destinationId,
      namespace,
      table: `${streamPrefix}${stream.name}`,
    }))
    requireFreeTargets(wanted, new Set(ids), deps)
  }
  const changed = { ...row, name, namespace, streamPrefix, updatedAt: now() }
  stores.connections.save(changed)
  for (const id of ids) engine.streamChanged(id)
  return { ...changed, version: row.version + 1 }
}

/** Cancels what runs, then deletes the connection with its streams. What they wrote stays. */
export async function removeConnection(row: ConnectionRow, deps: ApiDeps): Promise<void> {
  const streams = deps.stores.streams.ofConnection(row.id)
  // Disabled first, so that no tick starts a run while others are being cancelled.
  for (const stream of streams) {
    deps.stores.streams.save({ ...stream, enabled: false, updatedAt: deps.now() })
  }
  await Promise.all(streams.map((stream) => stopStream(stream.id, deps)))
  for (const stream of streams) await removeStream(stream, deps)
  deps.stores.connections.delete(row.workspaceId, row.id)
}

/** Starts or joins a run of each enabled stream; says which could not and why. */
export function syncConnection(row: ConnectionRow, trigger: RunTrigger, deps: ApiDeps) {
  const { stores, engine } = deps
  const data: (Run & { joined: boolean })[] = []
  const skipped: { stream_id: string; code: string; detail: string }[] = []
  for (const stream of stores.streams.ofConnection(row.id)) {
    if (!stream.enabled) continue
    try {
      const { runId, joined } = engine.syncStream(stream.id, trigger)
      data.push({ ...presentRun(stores.runs.get(runId) as RunRow, engine), joined })
    } catch (error) {
      if (!(error instanceof DerrickError)) throw error
      const { code, message } = error.failure
      skipped.push({ stream_id: stream.id, code, detail: message })
    }
  }
  return { data, skipped }
}

/** Asks every active run of the connection to stop; returns those. */
export function cancelConnection(row: ConnectionRow, { stores, engine }: ApiDeps): Run[] {
  return stores.streams.ofConnection(row.id).flatMap((stream) => {
    const active = stores.runs.active(stream.id)
    if (!active || !engine.cancelStream(stream.id)) return []
    return [presentRun(stores.runs.get(active.id) as RunRow, engine)]
  })
}
