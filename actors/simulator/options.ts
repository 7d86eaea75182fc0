import type { Fault } from './fault.ts'
import type { RateLimit } from './rate-limit.ts'
import type { RouteOptions } from './route.ts'
import { dayMs, type ShopOptions } from './shop.ts'

/** How long an answer takes: `ms`, give or take `jitterMs`. */
export interface Latency {
  ms: number
  jitterMs?: number
}

/** Plain data: it crosses threads as workerData and processes as JSON. */
export interface SimulatorOptions extends ShopOptions {
  /** 0 or absent: any free port of 127.0.0.1 */
  port?: number
  apiKey?: string
  /** the shop's clock stands here until a control call moves it; absent: real time */
  nowMs?: number
  routes?: RouteOptions
  /** records a page unless asked, and at most */
  pageSize?: number
  maxPageSize?: number
  latency?: Latency
  rateLimit?: RateLimit
  faults?: Fault[]
  /** serve /_control; on unless told */
  control?: boolean
  /** bytes of rendered pages kept; 128 MiB unless told */
  cacheBytes?: number
  /** compress answers for clients that allow it; on unless told */
  compress?: boolean
}

export const defaultApiKey = 'shop_demo_key'
const demoHistoryDays = 90

/**
 * The shop of `derrick demo` that began at `sinceMs`: 90 whole days of history before it, something
 * new every second from then on, answers in 30–60 ms, and now and then a failure that a retry cures.
 */
export function demoOptions(sinceMs: number): SimulatorOptions {
  const live = (perSecond: number) => ({ fromMs: sinceMs, perSecond })
  return {
    seed: 7,
    startMs: sinceMs - (sinceMs % dayMs) - demoHistoryDays * dayMs,
    streams: { orders: { perDay: 300, live: live(0.5) }, events: { perDay: 2000, live: live(2) } },
    pageSize: 100,
    latency: { ms: 45, jitterMs: 15 },
    faults: [
      { kind: 'status', status: 500, probability: 0.01 },
      { kind: 'status', status: 429, probability: 0.004, headers: { 'retry-after': '1' } },
    ],
    control: false,
  }
}
