import type { Run } from '../../schema/run.ts'
import type { Stream } from '../../schema/stream.ts'
import type { Derrick } from './derrick.ts'
import type { ShopProcess } from './simulator.ts'
import { waitFor } from './wait.ts'

interface Created {
  id: string
}

/** Makes a source of the shop; it can be read without limits of our own. */
export async function createShopSource(
  derrick: Derrick,
  shop: ShopProcess,
  startMs: number,
): Promise<string> {
  await derrick.api('PATCH', '/settings', {
    max_concurrent_syncs: 16,
    max_concurrent_syncs_per_source: 16,
  })
  const source = await derrick.api<Created>('POST', '/sources', {
    name: 'shop',
    connector: 'demo_shop',
    config: { base_url: shop.url, api_key: shop.apiKey },
    start_date: new Date(startMs).toISOString(),
  })
  return source.id
}

export async function createFiles(derrick: Derrick, path: string, name = 'files'): Promise<string> {
  return (
    await derrick.api<Created>('POST', '/destinations', {
      name,
      type: 'local_file',
      config: { path },
    })
  ).id
}

/** A connection with one namespace and its streams; answers the streams' ids by name. */
export async function createConnection(
  derrick: Derrick,
  connection: { name: string; source_id: string; destination_id: string; namespace: string },
  streams: ({ name: string } & Partial<Stream>)[],
): Promise<Map<string, string>> {
  const { id } = await derrick.api<Created>('POST', '/connections', connection)
  const ids = new Map<string, string>()
  for (const stream of streams) {
    const made = await derrick.api<Created>('POST', '/streams', { connection_id: id, ...stream })
    ids.set(stream.name, made.id)
  }
  return ids
}

/** Starts a sync and resolves with its run when it is over. */
export async function syncToEnd(
  derrick: Derrick,
  streamId: string,
  withinMs = 120_000,
): Promise<Run> {
  const { id } = await derrick.api<Created>('POST', `/streams/${streamId}/sync`, {})
  return runToEnd(derrick, id, withinMs)
}

export async function runToEnd(
  derrick: Derrick,
  runId: string,
  withinMs = 120_000,
  everyMs = 100,
): Promise<Run> {
  let run: Run | undefined
  await waitFor(
    `run ${runId} to end`,
    async () => {
      run = await derrick.api<Run>('GET', `/runs/${runId}`)
      return run.finished_at !== null
    },
    { withinMs, everyMs },
  )
  return run as Run
}
