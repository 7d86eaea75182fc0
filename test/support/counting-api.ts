/** A small API of days and what happened in them, which notes when each request came. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Seen {
  /** epoch ms */
  at: number
  path: string
  since: number
  status: number
}

export interface CountingApi {
  url: string
  seen: Seen[]
  close(): Promise<void>
}

/** What the API answers; null lets it answer as ever. May hold a request for as long as it likes. */
export type Answerer = (
  request: Omit<Seen, 'status'>,
  response: ServerResponse,
) => number | null | Promise<number | null>

const record = (since: number) => ({ id: `r${since}`, at: new Date(since).toISOString() })

/** One record a day, at its first instant; the window comes as epoch ms. */
export async function startCountingApi(answer: Answerer = () => null): Promise<CountingApi> {
  const seen: Seen[] = []
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? '/', 'http://localhost')
    const request = {
      at: Date.now(),
      path: url.pathname,
      since: Number(url.searchParams.get('since')),
    }
    const one: Seen = { ...request, status: 0 }
    seen.push(one)
    const status = await answer(request, response)
    one.status = status ?? 200
    if (status !== null) return
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: [record(request.since)] }))
  }
  const server = createServer((incoming, response) => void serve(incoming, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** Most requests within any span of that length. */
export function mostWithin(seen: readonly Seen[], ms: number): number {
  const at = seen.map((one) => one.at).sort((a, b) => a - b)
  let most = 0
  for (let first = 0, last = 0; last < at.length; last++) {
    while ((at[last] as number) - (at[first] as number) >= ms) first += 1
    most = Math.max(most, last - first + 1)
  }
  return most
}

/** A connector of that API with streams `days` and `more`. @param limits YAML of `api.limits` */
export const countingManifest = (limits: string, retry = '{attempts: 3, base: 100ms}'): string => `
derrick: 1
id: counting
name: Counting
version: 1.0.0
config:
  base_url: {required: true}
api:
  base_url: "{{ config.base_url }}"
  limits: ${limits}
auth: {type: none}
check: {request: {path: /days}}
defaults:
  key: [id]
  retry: ${retry}
  records: {at: data}
  paging: {type: none}
  window:
    field: at
    tracks: creation
    end_filter: true
    start: {name: since}
    end: {name: until}
    format: epoch_ms
streams:
  days: {path: /days}
  more: {path: /more}
`
