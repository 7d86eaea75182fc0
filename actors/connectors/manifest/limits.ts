import { RE2JS } from 're2js'
import type { Limit } from '../../../schema/manifest/limit.ts'
import { compilePath } from '../../../schema/manifest/path.ts'
import type { SeenLimit } from '../../../schema/protocol.ts'
import { waitOf } from './retry.ts'
import type { Clock } from './sleep.ts'
import { isRecord } from './value.ts'

/** What the governor learns from. */
export interface Spent {
  status: number
  headers: Record<string, string>
  response: unknown
}

/** Lets requests of one source pass at the pace its API allows. All requests of the source ask the same governor. */
export interface Governor {
  /**
   * Waits for leave to send a request to `path`. The function returned must be called once its answer is there (or it failed).
   * Rejects with the signal's reason when that aborts.
   */
  enter(path: string, signal: AbortSignal): Promise<(spent?: Spent) => void>
  /** No request starts before this moment (epoch ms): the API said so. */
  pause(untilMs: number): void
  /** The same for requests of a stream that has limits of its own beside the connector's. */
  ofStream(name: string, limits: readonly Limit[]): Governor
}

/** What the requests of one range pass on their way, where others may go first. */
export interface Gate {
  readonly isHeld: boolean
  /** Resolves at once unless it is held. Rejects with the signal's reason when that aborts. */
  pass(signal: AbortSignal): Promise<void>
  /** Calls back when it is held; returns a function that ends it. */
  onHold(call: () => void): () => void
  /** A request starts; what this returns is called instead of `leave` when it has ended. */
  begin(leave: (spent?: Spent) => void): (spent?: Spent) => void
}

/** Of ranges that nobody holds. */
export const openGate: Gate = {
  isHeld: false,
  pass: async (signal) => signal.throwIfAborted(),
  onHold: () => () => {},
  begin: (leave) => leave,
}

interface Waiter {
  budgets: Budget[]
  admit(): void
}

/** A budget that says "slow down" never stops requests for longer than this at a time. */
const longestSlowdownMs = 60_000
const defaultIntervalMs = 1_000

/** A governor for work that stands alone, as checks do: the manifest's limits and a bound on requests in flight. */
export function makeLocalGovernor(options: {
  limits: readonly Limit[]
  maxInFlight: number
  clock: Clock
}): Governor {
  const { clock, maxInFlight } = options
  const budgets = options.limits.map((limit) => new Budget(limit))
  const waiting = new Set<Waiter>()
  let inFlight = 0
  let pausedUntil = 0
  let wakeUp: AbortController | null = null

  /** Admits whoever may go, first come first served, and sets the alarm for the others. */
  const pump = (): void => {
    wakeUp?.abort()
    wakeUp = null
    const now = clock.now()
    let soonest = Number.POSITIVE_INFINITY
    for (const waiter of waiting) {
      if (inFlight >= maxInFlight) return
      const freeAt = Math.max(pausedUntil, ...waiter.budgets.map((budget) => budget.freeAt(now)))
      if (freeAt > now) {
        soonest = Math.min(soonest, freeAt)
        continue
      }
      waiting.delete(waiter)
      inFlight += 1
      for (const budget of waiter.budgets) budget.start(now)
      waiter.admit()
    }
    if (soonest === Number.POSITIVE_INFINITY) return
    const alarm = new AbortController()
    wakeUp = alarm
    clock.sleep(soonest - now, alarm.signal).then(pump, () => {})
  }

  const ofStreams = new Map<string, Governor>()
  const governor: Governor = {
    ofStream: (name, limits) => {
      const own = makeLocalGovernor({ limits, maxInFlight: Number.POSITIVE_INFINITY, clock })
      const known = ofStreams.get(name) ?? both(own, governor)
      ofStreams.set(name, known)
      return known
    },
    pause(untilMs) {
      pausedUntil = Math.max(pausedUntil, untilMs)
    },
    enter: (path, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const mine = budgetsOf(budgets, path)
        const onAbort = (): void => {
          waiting.delete(waiter)
          reject(signal.reason)
        }
        const waiter: Waiter = {
          budgets: mine,
          admit: () => {
            signal.removeEventListener('abort', onAbort)
            let left = false
            resolve((spent) => {
              if (left) return
              left = true
              inFlight -= 1
              for (const budget of mine) budget.finish(spent, clock.now())
              pump()
            })
          },
        }
        signal.addEventListener('abort', onAbort, { once: true })
        waiting.add(waiter)
        pump()
      }),
  }
  return governor
}

/** Leave of two governors; the narrower one is asked first, so that nobody holds a place of the other while waiting for it. */
function both(first: Governor, second: Governor): Governor {
  const together: Governor = {
    async enter(path, signal) {
      const leaveFirst = await first.enter(path, signal)
      try {
        const leaveSecond = await second.enter(path, signal)
        return (spent) => {
          leaveSecond(spent)
          leaveFirst(spent)
        }
      } catch (error) {
        leaveFirst()
        throw error
      }
    },
    pause: (untilMs) => second.pause(untilMs),
    ofStream: (name, limits) => both(first.ofStream(name, limits), second),
  }
  return together
}

/** The limits that apply to a path: those with the first `match` that fits, else those without one. */
function budgetsOf(budgets: Budget[], path: string): Budget[] {
  const first = budgets.find((budget) => budget.match?.matches(path))
  const pattern = first?.limit.match
  return budgets.filter((budget) => budget.limit.match === pattern)
}

/** One limit and what is left of it. */
class Budget {
  readonly limit: Limit
  readonly match: { matches(path: string): boolean } | null
  readonly #requests: number
  /** Starts of the last `per_ms`, oldest first: exact for fixed and sliding windows alike, where a bucket lets double pass. */
  #starts: number[] = []
  #inFlight = 0
  #slowUntil = 0

  constructor(limit: Limit) {
    this.limit = limit
    const pattern = limit.match === undefined ? null : RE2JS.compile(limit.match)
    this.match = pattern ? { matches: (path) => pattern.matcher(path).find() } : null
    this.#requests = limit.requests ?? 1
  }

  /** When the next request may start; a moment that is past means now, Infinity once one has ended. */
  freeAt(now: number): number {
    const { concurrency, requests, per_ms: perMs } = this.limit
    if (concurrency !== undefined && this.#inFlight >= concurrency) return Number.POSITIVE_INFINITY
    if (requests === undefined || perMs === undefined) return this.#slowUntil
    const old = this.#starts.findIndex((start) => start > now - perMs)
    this.#starts = old < 0 ? [] : this.#starts.slice(old)
    const blocking = this.#starts[this.#starts.length - this.#requests]
    return Math.max(this.#slowUntil, blocking === undefined ? 0 : blocking + perMs)
  }

  start(now: number): void {
    this.#inFlight += 1
    if (this.limit.requests !== undefined) this.#starts.push(now)
  }

  finish(spent: Spent | undefined, now: number): void {
    this.#inFlight -= 1
    const wait = spent ? (seenOf(this.limit, spent, now)?.spacingMs ?? 0) : 0
    this.#slowUntil = Math.max(this.#slowUntil, now + Math.min(wait, longestSlowdownMs))
  }
}

/** What an answer says of a limit; null when the manifest does not say where to look, or nothing is there. */
export function seenOf(limit: Limit, { headers, response }: Spent, now: number): Seen | null {
  const { cost_at: costAt, slow_below: slowBelow } = limit
  const nothing = { left: null, limit: null, resetMs: null }
  if (costAt !== undefined)
    return { ...nothing, spacingMs: costWait(compilePath(costAt)(response), slowBelow ?? 0.5) }
  const { remaining_header, limit_header, reset_header } = limit
  if (remaining_header === undefined) return null
  const quota = quotaOf(
    headers[remaining_header.toLowerCase()],
    limit_header && headers[limit_header.toLowerCase()],
  )
  if (!quota) return null
  const resetMs =
    reset_header === undefined ? null : waitOf(headers[reset_header.toLowerCase()], now)
  return { ...quota, resetMs, spacingMs: spacingOf(limit, quota, resetMs) }
}

type Seen = Omit<SeenLimit, 'group' | 'nth'>

/** Little is left: what is left is spread over the time until the reset. */
function spacingOf(
  { slow_below: slowBelow = 0.1, per_ms: perMs, requests = 1 }: Limit,
  { left, limit }: { left: number; limit: number },
  resetMs: number | null,
): number {
  if (left / limit >= slowBelow) return 0
  if (resetMs !== null) return resetMs / Math.max(1, left)
  const interval = perMs === undefined ? defaultIntervalMs : perMs / requests
  return interval * (1 + slowBelow * (limit / Math.max(1, left)))
}

/** `32/40` says used and limit; else the header is what is left and another one, or nothing, the limit. */
function quotaOf(
  remaining: string | undefined,
  limit: string | undefined,
): { left: number; limit: number } | null {
  const pair = /^\s*(\d{1,9})\s*\/\s*(\d{1,9})\s*$/.exec(remaining ?? '')
  if (pair) {
    const most = Number(pair[2])
    return most === 0 ? null : { left: Math.max(0, most - Number(pair[1])), limit: most }
  }
  if (!/^\s*\d{1,9}\s*$/.test(remaining ?? '')) return null
  const left = Number(remaining)
  const most = /^\s*\d{1,9}\s*$/.test(limit ?? '') ? Number(limit) : Math.max(left, 1)
  // Without a limit to compare with, only "nothing is left" is a sign.
  return limit === undefined && left > 0 ? null : { left, limit: Math.max(1, most) }
}

/** Points of a GraphQL API: waits until the bucket is filled again to the share wanted. */
function costWait(value: unknown, share: number): number {
  if (!isRecord(value)) return 0
  const number = (name: string): number | null => {
    const found = Object.hasOwn(value, name) ? value[name] : null
    return typeof found === 'number' && found >= 0 ? found : null
  }
  const most = number('maximumAvailable')
  const now = number('currentlyAvailable')
  const rate = number('restoreRate')
  if (most === null || now === null || !rate || now >= most * share) return 0
  return ((most * share - now) / rate) * 1_000
}
