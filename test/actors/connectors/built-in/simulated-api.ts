import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import { makeHttpClient } from '../../../../actors/http/client.ts'
import type { HttpClient } from '../../../../actors/http/http.ts'
import type { ApiAnswer, ApiRequest, SimulatedApi } from './vendor.ts'

/** A connected vendor: a real HTTP server, and a client for which the vendor's host names lead to it. */
export interface ConnectedApi {
  /** requests in their order, with the clock's time when they were sent and the status that came back */
  calls: { url: string; at: number; status: number }[]
  /** answers that are given instead of the API's own, by number of the request from 0 */
  interject: (nth: number, request: ApiRequest) => ApiAnswer | null
  /** hosts that were asked but do not belong to the vendor */
  strays: string[]
  http: (now: () => number) => HttpClient
  /** forgets the calls so far, and counts requests from 0 */
  reset(): void
}

const client = makeHttpClient({ allowPrivateNetworks: true })
t.teardown(() => client.close())

/**
 * Starts the server. Addresses are mapped in the test's client, so manifests run as they ship: there is no option by which anybody
 * could send a source's credentials elsewhere.
 * @param hosts the vendor's own names
 */
export async function connect(api: SimulatedApi, hosts: readonly string[]): Promise<ConnectedApi> {
  let count = 0
  const connected: ConnectedApi = {
    calls: [],
    interject: () => null,
    strays: [],
    reset() {
      connected.calls.length = 0
      count = 0
    },
    http: (now) => ({
      async send(request) {
        const url = new URL(request.url)
        if (url.protocol !== 'https:' || !hosts.includes(url.host)) {
          connected.strays.push(url.host)
          throw new Error(`the test has no host ${url.host}`)
        }
        const call = { url: request.url, at: now(), status: 0 }
        connected.calls.push(call)
        const local = `${origin}${url.pathname}${url.search}`
        const response = await client.send({ ...request, url: local })
        call.status = response.status
        return { ...response, url: request.url }
      },
    }),
  }
  const origin = await listen(async (message) => {
    const request = await requestOf(message)
    const nth = count++
    return connected.interject(nth, request) ?? api.answer(request)
  })
  return connected
}

async function requestOf(message: IncomingMessage): Promise<ApiRequest> {
  let body = ''
  for await (const part of message) body += part
  const url = new URL(message.url ?? '/', 'http://localhost')
  return {
    method: message.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: message.headers,
    body,
  }
}

async function listen(answer: (message: IncomingMessage) => Promise<ApiAnswer>): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer(async (message, response) => {
    const { status = 200, headers = {}, body } = await answer(message)
    response.statusCode = status
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (typeof body === 'string') return response.end(body)
    response.setHeader('content-type', 'application/json')
    return response.end(JSON.stringify(body))
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
