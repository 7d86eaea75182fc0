import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as immediately } from 'node:timers/promises'
import t from 'tap'
import { makeStreamReader } from '../../../actors/connectors/manifest/reader.ts'
import type { Clock } from '../../../actors/connectors/manifest/sleep.ts'
import type { ReadPage, ReadRequest } from '../../../actors/connectors/reader.ts'
import { makeHttpClient } from '../../../actors/http/client.ts'
import { toFailure } from '../../../schema/error.ts'
import { loadManifest } from '../../../schema/manifest/load.ts'
import type { Manifest } from '../../../schema/manifest/manifest.ts'

export interface Call {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

type Handler = (call: Call, response: ServerResponse) => unknown

/** A real HTTP server whose answers a test writes; a value returned is sent as JSON. */
export async function startApi(
  handler: Handler,
): Promise<{ url: string; calls: Call[]; close(): Promise<void> }> {
  const calls: Call[] = []
  const sockets = new Set<Socket>()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    const url = new URL(request.url ?? '/', 'http://localhost')
    const call = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
    }
    calls.push(call)
    const answer = await handler(call, response)
    if (answer !== undefined && !response.headersSent) {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answer))
    }
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  t.teardown(close)
  return { url: `http://127.0.0.1:${port}`, calls, close }
}

/** A clock on which waits take no time; it remembers them. */
export function jumpingClock(now = Date.UTC(2026, 0, 10)): Clock & { waits: number[] } {
  const waits: number[] = []
  return {
    waits,
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted()
      waits.push(ms)
      const until = now + ms
      // Whoever was let go before has its turn first.
      await immediately(undefined, { signal })
      now = Math.max(now, until)
    },
  }
}

export const http = makeHttpClient({ allowPrivateNetworks: true })
t.teardown(() => http.close())

/** A manifest from the text of its api, streams and so on. */
export function manifestOf(text: string): Manifest {
  const head = 'derrick: 1\nid: test_api\nversion: 1.0.0\n'
  const { manifest, issues } = loadManifest(head + text, 'test.yaml')
  if (!manifest) throw new Error(JSON.stringify(issues, null, 2))
  return manifest
}

interface Reading {
  manifest: Manifest
  stream?: string
  config?: Record<string, unknown>
  window?: { start: number; end: number } | null
  clock?: Clock
  signal?: AbortSignal
  timezone?: string
  onWait?: ReadRequest['onWait']
  onPage?: (page: ReadPage) => void
}

/** Everything that a stream gives. */
export async function readAll(options: Reading): Promise<{
  pages: ReadPage[]
  records: Record<string, unknown>[]
  dropped: number
  requests: number
}> {
  const { manifest, stream = 'items', config = {}, clock = jumpingClock() } = options
  const reader = makeStreamReader({
    manifest,
    streamName: stream,
    config,
    http,
    clock,
    random: () => 0.5,
    ...(options.timezone === undefined ? {} : { timezone: options.timezone }),
  })
  const pages: ReadPage[] = []
  const request = {
    window: options.window ?? null,
    signal: options.signal ?? new AbortController().signal,
    onWait: options.onWait ?? (() => {}),
  }
  for await (const page of reader.pages(request)) {
    pages.push(page)
    options.onPage?.(page)
  }
  return {
    pages,
    records: pages.flatMap((page) => page.records),
    dropped: pages.reduce((sum, page) => sum + page.dropped, 0),
    requests: pages.reduce((sum, page) => sum + page.requests, 0),
  }
}

/** The failure that reading ends with. */
export async function failureOf(work: Promise<unknown>) {
  try {
    await work
  } catch (error) {
    return toFailure(error)
  }
  throw new Error('it did not fail')
}

export const ids = (records: Record<string, unknown>[]): unknown[] => records.map(({ id }) => id)
export const numbered = (from: number, to: number): { id: number }[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, at) => ({ id: from + at }))
