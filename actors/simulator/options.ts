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
}

export const defaultApiKey = 'shop_demo_key'
export const demoHistoryDays = 90

/**
 * The shop of `derrick demo`: 90 days of history, answers in 30–60 ms, and now and then a failure
 * that a retry cures. `startMs` and `liveFromMs` belong to the data: who wants the same shop after a
 * restart passes the same.
 */
export function demoOptions(times: { startMs: number; liveFromMs: number }): SimulatorOptions {
  const live = (perSecond: number) => ({ fromMs: times.liveFromMs, perSecond })
  return {
    seed: 7,
    startMs: times.startMs,
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

/** Where the history of a demo that begins at `nowMs` starts: 90 whole days before, at midnight UTC. */
export function demoStart(nowMs: number): number {
  return nowMs - (nowMs % dayMs) - demoHistoryDays * dayMs
}
