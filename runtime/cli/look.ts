import type { Run } from '../../schema/run.ts'
import type { Stream } from '../../schema/stream.ts'
import type { Client } from './client.ts'
import { type Column, type OutputFormat, printRows } from './output.ts'
import { streamTitles } from './stream-address.ts'

const kinds = [
  'workspaces',
  'connectors',
  'sources',
  'destinations',
  'connections',
  'streams',
  'runs',
] as const
type Kind = (typeof kinds)[number]
export const kindNames = kinds.join(', ')

/** Rows that a listing shows at most. */
const mostRows = 1_000

const ago = (instant: string | null): string => {
  if (instant === null) return '–'
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(instant)) / 1000))
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h ago` : instant.slice(0, 10)
}

/** `derrick status [STREAM]`: where each stream stands. */
export async function status(
  client: Client,
  address: string | undefined,
  format: OutputFormat,
): Promise<void> {
  const titles = await streamTitles(client)
  const streams = (await client.list<Stream>('/streams', mostRows)).filter(
    (stream) => address === undefined || titles.get(stream.id) === address || stream.id === address,
  )
  const active = await client.list<Run>('/runs?status=queued,running', mostRows)
  const runOf = new Map(active.map((run) => [run.stream_id, run]))
  const columns: Column<Stream>[] = [
    { title: 'STREAM', text: (one) => titles.get(one.id) ?? one.name },
    { title: 'STATE', text: (one) => stateOf(one, runOf.get(one.id)) },
    { title: 'RANGES', text: ({ ranges }) => `${ranges.complete}/${ranges.total}` },
    { title: 'FAILED', text: ({ ranges }) => String(ranges.failed) },
    { title: 'RECORDS', text: (one) => one.records.toLocaleString('en') },
    { title: 'READ', text: howRead },
    { title: 'SCHEDULE', text: (one) => one.schedule ?? '–' },
  ]
  printRows(streams, columns, format)
}

const howRead = ({ window, sync_strategy, sync_granularity }: Stream): string =>
  window ? `${sync_strategy.replace('_', ' ')}, by ${sync_granularity}` : 'read whole'

function stateOf(stream: Stream, run: Run | undefined): string {
  if (!stream.enabled) return 'disabled'
  if (run) return runState(run)
  if (stream.active_run_id) return 'running'
  if (stream.ranges.failed > 0) return 'failed'
  if (stream.ranges.total === 0) return 'not synced yet'
  return stream.ranges.pending > 0 ? 'pending' : 'complete'
}

const runState = ({ status, waiting_for: wait }: Run): string =>
  wait ? `${status}, waiting: ${wait}` : status

/** `derrick runs`: the newest runs. */
export async function runs(
  client: Client,
  options: { limit: number; format: OutputFormat },
): Promise<void> {
  const titles = await streamTitles(client)
  const found = await client.list<Run>('/runs', options.limit)
  const columns: Column<Run>[] = [
    { title: 'RUN', text: (one) => one.id },
    { title: 'STREAM', text: (one) => titles.get(one.stream_id) ?? one.stream_id },
    { title: 'STATUS', text: runState },
    { title: 'RANGES', text: ({ ranges }) => `${ranges.complete}/${ranges.total}` },
    { title: 'RECORDS', text: (one) => one.records.toLocaleString('en') },
    { title: 'STARTED', text: (one) => ago(one.started_at) },
    { title: 'ERROR', text: (one) => one.error?.message ?? '' },
  ]
  printRows(found, columns, options.format)
}

interface Resource {
  id: string
  name?: string
  stream_id?: string
  status?: string
  /** `connection/stream`, as commands take it */
  address?: string
}

/** `derrick get KIND [NAME]`: resources as the API has them, streams and runs with their address. */
export async function get(
  client: Client,
  kind: Kind,
  name: string | undefined,
  format: OutputFormat,
): Promise<number> {
  const isOfStream = kind === 'streams' || kind === 'runs'
  const titles = isOfStream ? await streamTitles(client) : new Map<string, string>()
  const all = (await client.list<Resource>(`/${kind}`, mostRows)).map((one): Resource => {
    const address = titles.get(one.stream_id ?? one.id)
    return address === undefined ? one : { ...one, address }
  })
  const found = all.filter(
    (one) => name === undefined || [one.name, one.id, one.address].includes(name),
  )
  const columns: Column<Resource>[] = [
    { title: isOfStream ? 'STREAM' : 'NAME', text: (one) => one.address ?? one.name ?? one.id },
    ...(kind === 'runs' ? [{ title: 'STATUS', text: (one: Resource) => one.status ?? '' }] : []),
    { title: 'ID', text: (one) => one.id },
  ]
  printRows(found, columns, format)
  return name !== undefined && found.length === 0 ? 1 : 0
}

/** A kind by its name, or by that of one thing of it. */
export const kindOf = (text: string): Kind | undefined =>
  kinds.find((kind) => kind === text || kind === `${text}s`)
