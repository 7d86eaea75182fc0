import { isDeepStrictEqual } from 'node:util'
import type {
  AppliedChange,
  ApplyResult,
  DerrickFile,
  FileConnection,
} from '../../schema/derrick-file.ts'
import { enabledStreams, streamCapabilities } from '../../schema/manifest/capabilities.ts'
import type { StreamPatch } from '../../schema/stream.ts'
import type { Engine } from '../engine/engine.ts'
import type { ConnectionRow } from '../store/connections.ts'
import type { SecretOwner, StoredConfig } from '../store/secrets.ts'
import type { WorkspaceRow } from '../store/workspaces.ts'
import { changeConnection, createConnection, removeConnection } from './connection-changes.ts'
import type { ApiDeps } from './deps.ts'
import { changeDestination, createDestination, removeDestination } from './destination-changes.ts'
import { mostThings, streamFields } from './export-file.ts'
import { presentStream } from './present.ts'
import { ApiProblem, unprocessable } from './problem.ts'
import type { FieldError } from './problem-schema.ts'
import { changeSource, createSource, removeSource } from './source-changes.ts'
import { changeStream, createStream, removeStream } from './stream-changes.ts'

/** One application under way. */
interface Application {
  workspace: WorkspaceRow
  file: DerrickFile
  /** its engine only remembers whom to tell */
  deps: ApiDeps
  changes: AppliedChange[]
  errors: FieldError[]
}

/** Ends the transaction of a dry run. */
class RolledBack extends Error {}

/**
 * Makes a workspace hold what a file says, in one transaction: all or nothing. Things are known by their names; what the file
 * does not say of a stream stays as it is. Throws ApiProblem 422 that names every refused field of every thing.
 */
export async function applyFile(
  workspace: WorkspaceRow,
  file: DerrickFile,
  options: { dryRun: boolean; prune: boolean },
  deps: ApiDeps,
): Promise<ApplyResult> {
  const later: (() => void)[] = []
  const work: Application = {
    workspace,
    file,
    deps: { ...deps, engine: toldLater(deps.engine, later) },
    changes: [],
    errors: [],
  }
  try {
    deps.stores.transaction(() => {
      applyAll(work)
      if (work.errors.length > 0) throw unprocessable('apply.invalid', work.errors)
      if (options.dryRun) throw new RolledBack()
    })
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error
  }
  if (!options.dryRun) for (const tell of later) tell()
  if (options.prune) await prune(work, options.dryRun, deps)
  if (!options.dryRun) deps.hub.publish(workspace.id, { topic: 'resync', data: {} })
  return { dry_run: options.dryRun, changes: work.changes }
}

/** The engine hears of changes when they are on the disk, and of none that were rolled back. */
function toldLater(engine: Engine, later: (() => void)[]): Engine {
  return {
    ...Object.fromEntries(
      (['sourceChanged', 'destinationChanged', 'streamChanged'] as const).map((name) => [
        name,
        (id: string) => void later.push(() => engine[name](id)),
      ]),
    ),
    settingsChanged: (settings) => void later.push(() => engine.settingsChanged(settings)),
  } as Engine
}

function applyAll(work: Application): void {
  const { sources = {}, destinations = {}, connections = {}, settings } = work.file
  for (const [name, wanted] of Object.entries(sources))
    attempt(work, ['sources', name], () => applySource(work, name, wanted))
  for (const [name, wanted] of Object.entries(destinations))
    attempt(work, ['destinations', name], () => applyDestination(work, name, wanted))
  for (const [name, wanted] of Object.entries(connections)) {
    let row: ConnectionRow | undefined
    attempt(work, ['connections', name], () => {
      row = applyConnection(work, name, wanted)
    })
    if (row) applyStreams(work, row, wanted)
  }
  if (!settings) return
  const before = work.deps.stores.settings.get()
  const fields = differing(settings, before)
  if (fields.length > 0) work.deps.engine.settingsChanged(work.deps.stores.settings.save(settings))
  note(work, 'settings', 'settings', fields)
}

/** What is wrong with one thing does not hide what is wrong with the next. */
function attempt(work: Application, path: string[], run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    const at = path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
    const { errors, remedy } = error.extras
    if (errors) work.errors.push(...errors.map((one) => ({ ...one, pointer: at + one.pointer })))
    else work.errors.push({ pointer: at, detail: error.message, ...(remedy ? { remedy } : {}) })
  }
}

function note(
  { changes }: Application,
  kind: AppliedChange['kind'],
  name: string,
  fields: string[],
  action?: AppliedChange['action'],
): void {
  changes.push({
    action: action ?? (fields.length > 0 ? 'update' : 'unchanged'),
    kind,
    name,
    fields,
  })
}

/** Names of the fields that are given and different. */
function differing(wanted: object, before: object): string[] {
  const known = new Map(Object.entries(before))
  return Object.entries(wanted).flatMap(([name, value]) =>
    value === undefined || isDeepStrictEqual(value, known.get(name)) ? [] : [name],
  )
}

/** What can't be changed of a thing that exists. */
const fixed = (pointer: string, detail: string, remedy: string): ApiProblem =>
  unprocessable('apply.invalid', [{ pointer, detail, remedy }])

/** What must be sent to make a stored config the wanted one: others are null. */
function configPatch(
  { deps }: Application,
  owner: SecretOwner,
  stored: StoredConfig,
  wanted: Record<string, unknown>,
): Record<string, unknown> {
  let before: Record<string, unknown> = {}
  try {
    before = deps.secrets.decryptConfig(owner, stored)
  } catch {
    // A secret that can't be read any more is replaced.
  }
  const gone = Object.keys(stored).filter((name) => !Object.hasOwn(wanted, name))
  const changed = differing(wanted, before).map((name): [string, unknown] => [name, wanted[name]])
  return Object.fromEntries([...changed, ...gone.map((name): [string, unknown] => [name, null])])
}

function applySource(
  work: Application,
  name: string,
  wanted: NonNullable<DerrickFile['sources']>[string],
): void {
  const { workspace, deps } = work
  const row = deps.stores.sources.byName(workspace.id, name)
  if (!row) {
    createSource(workspace, { name, ...wanted }, deps)
    note(work, 'source', name, [], 'create')
    return
  }
  if (row.connector !== wanted.connector)
    throw fixed(
      '/connector',
      `${name} is of the connector ${row.connector}`,
      'give the source of another connector another name',
    )
  const config = configPatch(work, { kind: 'source', id: row.id }, row.config, wanted.config ?? {})
  const { start_date, timezone, limits } = wanted
  const before = { start_date: row.startDate, timezone: row.timezone, limits: row.limits }
  const fields = differing({ start_date, timezone, limits }, before)
  const names = [...fields, ...Object.keys(config).map((field) => `config.${field}`)]
  if (names.length > 0) {
    const patch = Object.fromEntries(
      fields.map((field) => [field, wanted[field as keyof typeof wanted]]),
    )
    changeSource(row, { ...patch, ...(Object.keys(config).length > 0 ? { config } : {}) }, deps)
  }
  note(work, 'source', name, names)
}

function applyDestination(
  work: Application,
  name: string,
  wanted: NonNullable<DerrickFile['destinations']>[string],
): void {
  const { workspace, deps } = work
  const row = deps.stores.destinations.byName(workspace.id, name)
  if (!row) {
    createDestination(workspace.id, { name, ...wanted }, deps)
    note(work, 'destination', name, [], 'create')
    return
  }
  if (row.type !== wanted.type)
    throw fixed(
      '/type',
      `${name} is of the type ${row.type}`,
      'give the destination of another type another name',
    )
  const config = configPatch(work, { kind: 'destination', id: row.id }, row.config, wanted.config)
  const names = Object.keys(config).map((field) => `config.${field}`)
  if (names.length > 0) changeDestination(row, { config }, deps)
  note(work, 'destination', name, names)
}

function applyConnection(work: Application, name: string, wanted: FileConnection): ConnectionRow {
  const { workspace, deps } = work
  const { stores } = deps
  const source = stores.sources.byName(workspace.id, wanted.source)
  const destination = stores.destinations.byName(workspace.id, wanted.destination)
  const missing: FieldError[] = []
  if (!source) missing.push({ pointer: '/source', detail: `there is no source ${wanted.source}` })
  if (!destination)
    missing.push({
      pointer: '/destination',
      detail: `there is no destination ${wanted.destination}`,
    })
  if (!source || !destination) throw unprocessable('apply.invalid', missing)
  const { namespace, stream_prefix } = wanted
  const given = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(stream_prefix === undefined ? {} : { stream_prefix }),
  }
  const row = stores.connections.byName(workspace.id, name)
  if (!row) {
    const body = { name, source_id: source.id, destination_id: destination.id, ...given }
    note(work, 'connection', name, [], 'create')
    return createConnection(workspace, body, deps)
  }
  if (row.sourceId !== source.id || row.destinationId !== destination.id)
    throw fixed(
      '/source',
      `${name} binds another source or destination`,
      'give the new connection another name',
    )
  const fields = differing(given, { namespace: row.namespace, stream_prefix: row.streamPrefix })
  note(work, 'connection', name, fields)
  return fields.length > 0 ? changeConnection(row, given, deps) : row
}

function applyStreams(work: Application, connection: ConnectionRow, wanted: FileConnection): void {
  const list = wanted.streams === 'all' ? offered(work, connection) : wanted.streams
  for (const one of list) {
    const { name, ...own } = typeof one === 'string' ? { name: one } : one
    attempt(work, ['connections', connection.name, 'streams', name], () =>
      applyStream(work, connection, name, {
        ...defaultsFor(work, connection, name, wanted),
        ...own,
      }),
    )
  }
}

function applyStream(
  work: Application,
  connection: ConnectionRow,
  name: string,
  wanted: StreamPatch,
): void {
  const { workspace, deps } = work
  const title = `${connection.name}/${name}`
  const row = deps.stores.streams.byName(connection.id, name)
  if (!row) {
    createStream(workspace, { connection_id: connection.id, name, ...wanted }, deps)
    note(work, 'stream', title, [], 'create')
    return
  }
  const shown = presentStream(row, deps)
  const before = Object.fromEntries(streamFields.map((field) => [field, shown[field]]))
  const retry = wanted.retry && { retry: { ...shown.retry, ...wanted.retry } }
  const fields = differing({ ...wanted, ...retry }, before)
  if (fields.length > 0) changeStream(row, wanted, deps)
  note(work, 'stream', title, fields)
}

function manifestOf({ deps }: Application, connection: ConnectionRow) {
  const source = deps.stores.sources.find(connection.sourceId)
  const manifest = source && deps.connectors.manifest(source.connector)
  return source && manifest ? { source, manifest } : undefined
}

function offered(work: Application, connection: ConnectionRow): string[] {
  const found = manifestOf(work, connection)
  if (!found) return []
  const { source, manifest } = found
  const owner = { kind: 'source', id: source.id } as const
  return enabledStreams(manifest, work.deps.secrets.decryptConfig(owner, source.config))
}

/** A default direction holds where a stream can have it; only one that is asked for by name is refused elsewhere. */
function defaultsFor(
  work: Application,
  connection: ConnectionRow,
  name: string,
  { defaults = {} }: FileConnection,
): StreamPatch {
  const found = manifestOf(work, connection)
  const can = found && streamCapabilities(found.manifest, name)
  const { sync_strategy, ...rest } = defaults
  const isRefused = sync_strategy === 'newest_first' && can?.newest_first === false
  return sync_strategy === undefined || isRefused ? rest : defaults
}

/** Deletes what the file does not name, each kind after what uses it. */
async function prune(work: Application, dryRun: boolean, deps: ApiDeps): Promise<void> {
  const { workspace, file } = work
  const { stores } = deps
  const page = { limit: mostThings }
  const isNamed = (things: object | undefined, name: string) => Object.hasOwn(things ?? {}, name)
  for (const row of stores.connections.list(workspace.id, page)) {
    const wanted = isNamed(file.connections, row.name) ? file.connections?.[row.name] : undefined
    if (!wanted) {
      if (!dryRun) await removeConnection(row, deps)
      note(work, 'connection', row.name, [], 'delete')
      continue
    }
    if (wanted.streams === 'all') continue
    const names = new Set(wanted.streams.map((one) => (typeof one === 'string' ? one : one.name)))
    for (const stream of stores.streams.ofConnection(row.id)) {
      if (names.has(stream.name)) continue
      if (!dryRun) await removeStream(stream, deps)
      note(work, 'stream', `${row.name}/${stream.name}`, [], 'delete')
    }
  }
  for (const row of stores.sources.list(workspace.id, page)) {
    if (isNamed(file.sources, row.name)) continue
    if (!dryRun) removeSource(row, deps)
    note(work, 'source', row.name, [], 'delete')
  }
  for (const row of stores.destinations.list(workspace.id, page)) {
    if (isNamed(file.destinations, row.name)) continue
    if (!dryRun) removeDestination(row, deps)
    note(work, 'destination', row.name, [], 'delete')
  }
}
