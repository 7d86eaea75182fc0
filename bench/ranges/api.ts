import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An API of events that answers from arithmetic, so that what is measured is not its own work. */
export interface EventsApi {
  url: string
  close(): Promise<void>
}

/** @param perRange records of whatever window is asked for, which are all on one page */
export async function startEventsApi(perRange: number): Promise<EventsApi> {
  const server = createServer((request, response) => {
    const since = Number(/[?&]since=(\d+)/.exec(request.url ?? '')?.[1] ?? Number.NaN)
    const data = Number.isNaN(since)
      ? []
      : Array.from({ length: perRange }, (_, i) => event(since, i))
    const body = JSON.stringify({ data, links: { next: null } })
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const event = (since: number, i: number) => ({
  id: `evt_${since}_${i}`,
  type: 'page_view',
  created_at: new Date((since + i) * 1_000).toISOString(),
  customer_id: 1_000 + i,
  session: `s${since % 9_973}`,
  value: i + 0.25,
  properties: { page: '/products', referrer: null, seconds: 12 + i },
})
