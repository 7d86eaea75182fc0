import { enabledStreams, streamCapabilities } from '../../schema/manifest/capabilities.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import { nearest } from '../../schema/manifest/nearest.ts'
import type { SourceCreate, SourcePatch } from '../../schema/source.ts'
import { isZone, localDateHour, startDateMs } from '../../schema/tiling.ts'
import type { SourceRow } from '../store/sources.ts'
import type { WorkspaceRow } from '../store/workspaces.ts'
import { mergeConfig, sourceConfigErrors } from './config-input.ts'
import type { ApiDeps } from './deps.ts'
import { requireFreeName } from './free-name.ts'
import { requireNoRanges } from './needs-reset.ts'
import { sourceSecrets } from './present.ts'
import { ApiProblem, unprocessable } from './problem.ts'
import type { FieldError } from './problem-schema.ts'

/** What is read when nobody says from when. */
const defaultHistoryMs = 30 * 86_400_000
const code = 'source.invalid'

/** Throws ApiProblem 409 for a taken name, 422 that names every bad field. */
export function createSource(
  workspace: WorkspaceRow,
  body: SourceCreate,
  deps: ApiDeps,
): SourceRow {
  const { stores, secrets, connectors, now, newId } = deps
  const { name, connector, config = {}, timezone = 'UTC' } = body
  requireFreeName('source', name, stores.sources.byName(workspace.id, name))
  const manifest = connectors.manifest(connector)
  const errors = [
    ...(manifest ? sourceConfigErrors(manifest, config) : [unknownConnector(connector, deps)]),
    ...timeErrors(timezone, body.start_date ?? null),
  ]
  if (errors.length > 0) throw unprocessable(code, errors)
  const id = newId('src')
  const createdAt = now()
  const row: SourceRow = {
    id,
    workspaceId: workspace.id,
    name,
    connector,
    config: secrets.sealConfig(
      { kind: 'source', id },
      config,
      sourceSecrets(connectors, connector),
    ),
    startDate: body.start_date ?? defaultStart(createdAt, timezone),
    timezone,
    limits: body.limits ?? {},
    state: 'active',
    stateReason: null,
    pausedUntil: null,
    version: 1,
    createdAt,
    updatedAt: createdAt,
  }
  stores.sources.insert(row)
  return row
}

/** Throws ApiProblem 422 when a source of this connector can't have this config. */
export function checkNewSource(
  connector: string,
  config: Record<string, unknown>,
  deps: ApiDeps,
): void {
  const manifest = deps.connectors.manifest(connector)
  const errors = manifest
    ? sourceConfigErrors(manifest, config)
    : [unknownConnector(connector, deps)]
  if (errors.length > 0) throw unprocessable(code, errors)
}

/** Throws ApiProblem 409 (name, zone of streams with ranges) or 422; returns the row as stored. */
export function changeSource(row: SourceRow, patch: SourcePatch, deps: ApiDeps): SourceRow {
  const { stores, now } = deps
  const name = patch.name ?? row.name
  const timezone = patch.timezone ?? row.timezone
  requireFreeName('source', name, stores.sources.byName(row.workspaceId, name), row.id)
  const startDate =
    patch.start_date === undefined
      ? row.startDate
      : (patch.start_date ?? defaultStart(row.createdAt, timezone))
  const errors = timeErrors(timezone, startDate)
  const config = patch.config ? changedConfig(row, patch.config, errors, deps) : row.config
  if (errors.length > 0) throw unprocessable(code, errors)
  if (timezone !== row.timezone) {
    const streams = stores.streams.idsOfSource(row.id)
    requireNoRanges(streams, `the time zone of ${row.name}`, deps)
  }
  const changed: SourceRow = {
    ...row,
    name,
    timezone,
    startDate,
    config,
    limits: patch.limits ?? row.limits,
    ...stateAfter(row, patch),
    updatedAt: now(),
  }
  stores.sources.save(changed)
  deps.engine.sourceChanged(row.id)
  return { ...changed, version: row.version + 1 }
}

/** The config after a change, sealed; adds what is wrong with it to `errors`. */
function changedConfig(
  { id, connector, config }: SourceRow,
  patch: Record<string, unknown>,
  errors: FieldError[],
  { secrets, connectors }: ApiDeps,
): SourceRow['config'] {
  const manifest = connectors.manifest(connector)
  if (!manifest) throw missingConnector(connector)
  const owner = { kind: 'source', id } as const
  const fields = sourceSecrets(connectors, connector)
  const plain = mergeConfig(secrets, owner, config, patch, fields)
  errors.push(...sourceConfigErrors(manifest, plain))
  return secrets.sealConfig(owner, plain, fields)
}

/** New credentials end a pause that the old ones caused. */
function stateAfter(
  row: SourceRow,
  patch: SourcePatch,
): Pick<SourceRow, 'state' | 'stateReason' | 'pausedUntil'> {
  const hasNewLogin = patch.config !== undefined && row.stateReason?.category === 'auth'
  const state = patch.state ?? (hasNewLogin ? 'active' : row.state)
  const { stateReason, pausedUntil } = row
  if (state === row.state) return { state, stateReason, pausedUntil }
  return { state, stateReason: null, pausedUntil: null }
}

export function removeSource(row: SourceRow, { stores }: ApiDeps): void {
  const users = stores.connections.list(row.workspaceId, { sourceId: row.id, limit: 10 })
  if (users.length > 0) {
    const names = users.map((user) => user.name).join(', ')
    throw new ApiProblem(409, 'source.in_use', `${row.name} is used by ${names}`, {
      remedy: 'delete these connections first',
    })
  }
  stores.sources.delete(row.workspaceId, row.id)
}

/** What the connector offers to a source with this config. */
export function offeredStreams(row: SourceRow, deps: ApiDeps) {
  const { secrets } = deps
  const manifest = requireManifest(row.connector, deps)
  const config = secrets.decryptConfig({ kind: 'source', id: row.id }, row.config)
  const enabled = new Set(enabledStreams(manifest, config))
  return Object.keys(manifest.streams).flatMap((name) => {
    const capabilities = streamCapabilities(manifest, name, config)
    return capabilities ? [{ name, enabled: enabled.has(name), ...capabilities }] : []
  })
}

/** Throws ApiProblem 409 when a connector is missing or was never without errors. */
export function requireManifest(id: string, { connectors }: ApiDeps): Manifest {
  const manifest = connectors.manifest(id)
  if (!manifest) throw missingConnector(id)
  return manifest
}

const missingConnector = (id: string): ApiProblem =>
  new ApiProblem(409, 'connector.missing', `the connector ${id} is missing or has errors`, {
    remedy: `see /api/v1/connectors/${encodeURIComponent(id)}`,
  })

function unknownConnector(id: string, { connectors }: ApiDeps): FieldError {
  const known = connectors.get(id)
  if (known) {
    const first = known.issues[0]
    return {
      pointer: '/connector',
      detail: `has errors: ${first?.message ?? 'its file can not be read'}`,
      remedy: first ? `${first.file}, line ${first.line}: ${first.remedy}` : 'see its issues',
    }
  }
  const ids = connectors.list().map((connector) => connector.id)
  const close = nearest(id, ids)
  return {
    pointer: '/connector',
    detail: 'is not a known connector',
    remedy: close ? `did you mean ${close}?` : `known: ${ids.join(', ') || 'none'}`,
  }
}

function timeErrors(timezone: string, startDate: string | null): FieldError[] {
  if (!isZone(timezone)) {
    return [
      { pointer: '/timezone', detail: 'is not a known time zone', remedy: 'such as Europe/Berlin' },
    ]
  }
  if (startDate === null || startDateMs(startDate, timezone) !== undefined) return []
  return [{ pointer: '/start_date', detail: 'does not exist', remedy: 'such as 2024-01-31' }]
}

const defaultStart = (createdAt: number, timezone: string): string =>
  localDateHour(createdAt - defaultHistoryMs, timezone).date
