import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { createShopApi, type ShopApi } from './api.ts'
import { createClock } from './clock.ts'
import { answerControl, type ClockMove, type Controls, moveClock } from './control.ts'
import { type Answer, answerOf, send } from './delivery.ts'
import { createFaultBook, type Fault } from './fault.ts'
import { unit } from './hash.ts'
import { defaultApiKey, type Latency, type SimulatorOptions } from './options.ts'
import { needsPage, playFault, twistOf } from './play-fault.ts'
import { Problem } from './problem.ts'
import { createRateLimiter, type RateLimit, type RateLimiter } from './rate-limit.ts'
import { createRequestLog, type LoggedRequest, type ShopStats } from './request-log.ts'
import { openRoutes } from './route.ts'
import { openShop } from './shop.ts'

/** A running shop and the hand in it. The control calls do what those over HTTP do. */
export interface Simulator {
  /** `http://127.0.0.1:port`, what the connector's `base_url` wants */
  url: string
  port: number
  apiKey: string
  addFault(fault: Fault): string
  clearFaults(): void
  faults(): { fault: Fault; matched: number; played: number }[]
  moveClock(move: ClockMove): void
  nowMs(): number
  setLatency(latency: Latency): void
  limitRate(limit: RateLimit | null): void
  requests(after?: number): LoggedRequest[]
  stats(): ShopStats
  clearLog(): void
  close(): Promise<void>
}

interface Running extends Controls {
  api: ShopApi
  seed: number
  /** whether /_control answers */
  controllable: boolean
  limiter: { current: RateLimiter | null }
  origin: { current: string }
}

const defaultPageSize = 100
const defaultMaxPageSize = 1000
const defaultCacheBytes = 128 * 1024 * 1024

/** Starts the shop on 127.0.0.1. Rejects when the port is taken or an option cannot be. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const running = build(options)
  const { clock, faults, log, latency } = running
  const server = createServer((request, response) => void serve(running, request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  running.origin.current = url
  return {
    url,
    port,
    apiKey: options.apiKey ?? defaultApiKey,
    addFault: faults.add,
    clearFaults: faults.clear,
    faults: faults.list,
    moveClock: (move) => void moveClock(clock, move),
    nowMs: clock.now,
    setLatency(next) {
      latency.current = next
    },
    limitRate: running.limitRate,
    requests: (after = 0) => log.requests(after),
    stats: log.stats,
    clearLog: log.clear,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function build(options: SimulatorOptions): Running {
  const shop = openShop(options)
  const clock = createClock(options.nowMs)
  const faults = createFaultBook(shop.seed)
  for (const fault of options.faults ?? []) faults.add(fault)
  const limiter: Running['limiter'] = { current: null }
  const limitRate = (limit: RateLimit | null): void => {
    limiter.current = limit === null ? null : createRateLimiter(limit)
  }
  limitRate(options.rateLimit ?? null)
  const api = createShopApi({
    shop,
    clock,
    routes: openRoutes(options.routes),
    apiKey: options.apiKey ?? defaultApiKey,
    pageSize: options.pageSize ?? defaultPageSize,
    maxPageSize: options.maxPageSize ?? Math.max(defaultMaxPageSize, options.pageSize ?? 0),
    cacheBytes: options.cacheBytes ?? defaultCacheBytes,
    compress: options.compress ?? true,
  })
  return {
    api,
    clock,
    faults,
    limiter,
    limitRate,
    seed: shop.seed,
    controllable: options.control ?? true,
    log: createRequestLog(),
    latency: { current: options.latency ?? { ms: 0 } },
    origin: { current: '' },
  }
}

/** One request from beginning to end; never rejects. */
async function serve(
  running: Running,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const isControl = url.pathname.startsWith('/_control/')
  try {
    if (isControl && running.controllable) {
      return await answerControl(running, request, response, url)
    }
    await serveApi(running, request, response, url)
  } catch (error) {
    // the client that went away in a wait needs no answer
    if (response.headersSent || response.destroyed) return void response.destroy()
    send(response, refusal(error))
  }
}

async function serveApi(
  running: Running,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const { api, log, latency, seed } = running
  const stream = api.streamOf(url.pathname)
  const entry = log.begin(stream, url.pathname, url.searchParams)
  const gone = new AbortController()
  response.once('close', () => {
    entry.status = response.headersSent ? response.statusCode : 0
    log.end(entry)
    gone.abort()
  })
  request.resume()
  const { ms, jitterMs = 0 } = latency.current
  const waitMs = ms + (2 * unit(seed, entry.serial) - 1) * jitterMs
  if (waitMs > 0) await wait(waitMs, undefined, { signal: gone.signal })

  const headers = admit(running, request, url)
  if (stream === null) {
    if (url.pathname !== '/v1/shop')
      throw new Problem(404, 'not_found', `nothing at ${url.pathname}`)
    return send(response, withHeaders(answerOf(api.about()), headers))
  }
  const asked = api.read(stream, url.searchParams)
  entry.page = asked.position.number
  const due = running.faults.match({
    stream,
    path: url.pathname,
    page: asked.position.number,
    window: asked.window,
  })
  entry.fault = due?.id ?? null
  const origin = running.origin.current
  const makePage = (): Answer => {
    const twist = due === null ? null : twistOf(due.fault)
    // Damage is done to the bytes of the JSON, so those must not be compressed.
    const wanted = due?.fault.kind === 'malformed' ? {} : request.headers
    const page = api.page(asked, origin, wanted, twist)
    log.served(stream, page.records, page.bytes.length)
    return withHeaders(answerOf(page), headers)
  }
  if (due === null) return send(response, makePage())
  const answer = needsPage(due.fault) ? makePage() : null
  await playFault(response, answer, due.fault, gone.signal)
}

/** Method, key and rate limit, in that order; the headers are the rate limit's. */
function admit(running: Running, request: IncomingMessage, url: URL): Record<string, string> {
  if (request.method !== 'GET') throw new Problem(405, 'method_not_allowed', 'only GET is known')
  const key = running.api.signIn(url.pathname, request.headers)
  const allowance = running.limiter.current?.(key, Date.now())
  if (allowance === undefined) return {}
  if (!allowance.allowed) throw new RateLimited(allowance.headers)
  return allowance.headers
}

class RateLimited extends Problem {
  readonly headers: Record<string, string>

  constructor(headers: Record<string, string>) {
    super(429, 'rate_limited', 'too many requests')
    this.headers = headers
  }
}

function refusal(error: unknown): Answer {
  const problem =
    error instanceof Problem
      ? error
      : new Problem(500, 'internal', `the shop failed: ${String(error)}`)
  const { status, code, message } = problem
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(problem instanceof RateLimited ? problem.headers : {}),
    },
    bytes: Buffer.from(JSON.stringify({ error: { code, message } })),
  }
}

function withHeaders(answer: Answer, headers: Record<string, string>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
