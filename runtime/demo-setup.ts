import { derrickError } from '../schema/error.ts'

/** Calls the HTTP API in process: the demo is set up by what every user can call. */
export type ApiRequest = (
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: unknown,
) => Promise<ApiAnswer>

export interface ApiAnswer {
  status: number
  body: unknown
}

interface Named {
  id: string
  name: string
}

/** Both strategies, both granularities, a full read, and a stream whose connector can't bound the end. */
const streams = [
  { name: 'orders', sync_strategy: 'newest_first', sync_granularity: 'day' },
  { name: 'events', sync_strategy: 'newest_first', sync_granularity: 'hour' },
  { name: 'customers', sync_strategy: 'oldest_first', sync_granularity: 'day' },
  { name: 'products' },
  { name: 'refunds', sync_strategy: 'oldest_first', sync_granularity: 'day' },
]
const everyMinute = '* * * * *'
const historyDays = 90
/** of the shop that `derrick demo` serves */
export const apiKey = 'shop_demo_key'

export interface DemoPlaces {
  shopUrl: string
  folder: string
  /** a database that the same streams go into as well */
  postgres?: string
}

/** Makes what is missing and starts a sync of each stream. The shop's port is another one at each start. */
export async function setUpDemo(
  request: ApiRequest,
  { shopUrl, folder, postgres }: DemoPlaces,
): Promise<void> {
  const call = async (
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    body?: unknown,
  ): Promise<unknown> => {
    const answer = await request(method, path, body)
    if (answer.status < 300) return answer.body
    throw derrickError(
      'unknown',
      'demo.setup',
      `${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`,
    )
  }
  const ensure = async (
    kind: string,
    wanted: { name: string } & Record<string, unknown>,
    patch?: object,
  ): Promise<string> => {
    // Streams are named within their connection, all else within the workspace.
    const within = 'connection_id' in wanted ? `&connection_id=${wanted.connection_id}` : ''
    const path = `/api/v1/${kind}?limit=100${within}`
    const { data } = (await call('GET', path)) as { data: Named[] }
    const found = data.find((one) => one.name === wanted.name)
    if (!found) return ((await call('POST', `/api/v1/${kind}`, wanted)) as Named).id
    if (patch) await call('PATCH', `/api/v1/${kind}/${found.id}`, patch)
    return found.id
  }
  const config = { base_url: shopUrl, api_key: apiKey }
  const start = new Date(Date.now() - historyDays * 86_400_000).toISOString().slice(0, 10)
  const source = await ensure(
    'sources',
    { name: 'demo shop', connector: 'demo_shop', config, start_date: start },
    { config },
  )
  const connect = async (name: string, destination: string): Promise<void> => {
    const connection = await ensure('connections', {
      name,
      source_id: source,
      destination_id: destination,
      namespace: 'shop',
    })
    for (const stream of streams) {
      const id = await ensure('streams', {
        connection_id: connection,
        schedule: everyMinute,
        ...stream,
      })
      await call('POST', `/api/v1/streams/${id}/sync`, {})
    }
  }
  await connect(
    'shop',
    await ensure('destinations', { name: 'files', type: 'local_file', config: { path: folder } }),
  )
  if (postgres === undefined) return
  const warehouse = { url: postgres }
  const database = { name: 'warehouse', type: 'postgres', config: warehouse }
  await connect('shop to postgres', await ensure('destinations', database, { config: warehouse }))
}
