import type { DerrickFile, FileConnection } from '../../schema/derrick-file.ts'
import type { Stream } from '../../schema/stream.ts'
import type { WorkspaceRow } from '../store/workspaces.ts'
import type { ApiDeps } from './deps.ts'
import { destinationSecrets, presentStream, sourceSecrets } from './present.ts'

/** Things of one kind that a file can hold. */
export const mostThings = 10_000

/** Fields of a stream that a file sets. */
export const streamFields = [
  'source_stream',
  'primary_key',
  'sync_strategy',
  'sync_granularity',
  'start_date',
  'schedule',
  'schedule_timezone',
  'settle',
  'lookback',
  'retry',
  'parallel_ranges',
  'max_run_minutes',
  'write_mode',
  'deletes',
  'columns',
  'enabled',
] as const satisfies (keyof Stream)[]

/** What a workspace holds. Applied again it changes nothing, once the environment has the secrets that it names. */
export function exportFile(workspace: WorkspaceRow, deps: ApiDeps): DerrickFile {
  const { stores, connectors } = deps
  const page = { limit: mostThings }
  const sources = stores.sources.list(workspace.id, page)
  const destinations = stores.destinations.list(workspace.id, page)
  const names = new Map([...sources, ...destinations].map(({ id, name }) => [id, name]))
  return {
    sources: Object.fromEntries(
      sources.map(({ name, connector, config, startDate, timezone, limits }) => [
        name,
        {
          connector,
          ...(startDate === null ? {} : { start_date: startDate }),
          timezone,
          ...(Object.keys(limits).length === 0 ? {} : { limits }),
          config: withVariables(name, config, sourceSecrets(connectors, connector)),
        },
      ]),
    ),
    destinations: Object.fromEntries(
      destinations.map(({ name, type, config }) => [
        name,
        { type, config: withVariables(name, config, destinationSecrets(type)) },
      ]),
    ),
    connections: Object.fromEntries(
      stores.connections.list(workspace.id, page).map((row): [string, FileConnection] => [
        row.name,
        {
          source: names.get(row.sourceId) ?? '',
          destination: names.get(row.destinationId) ?? '',
          namespace: row.namespace,
          stream_prefix: row.streamPrefix,
          streams: stores.streams
            .ofConnection(row.id)
            .map((stream) => exportedStream(presentStream(stream, deps))),
        },
      ]),
    ),
  }
}

function exportedStream(stream: Stream) {
  const fields = streamFields.flatMap((field) => {
    const value = stream[field]
    const isEmpty = value === null || (field === 'source_stream' && value === stream.name)
    return isEmpty ? [] : [[field, value] as const]
  })
  return { name: stream.name, ...Object.fromEntries(fields) }
}

/** A secret is known to the environment alone: `${SHOP_API_KEY}`. */
function withVariables(
  name: string,
  config: Record<string, unknown>,
  secrets: ReadonlySet<string>,
): Record<string, unknown> {
  const variable = (field: string): string =>
    `${name}_${field}`
      .toUpperCase()
      .replace(/[^A-Z0-9]+/g, '_')
      .replace(/^(\d)/, '_$1')
  return Object.fromEntries(
    Object.entries(config).map(([field, value]) => [
      field,
      secrets.has(field) ? ['$', '{', variable(field), '}'].join('') : value,
    ]),
  )
}
