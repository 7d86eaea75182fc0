/** One limit of an API and what is left of it: pure. Times are epoch ms. */
import type { Limit } from '../../schema/manifest/limit.ts'

/** What an API's answer says of a limit. */
export interface Quota {
  left: number
  limit: number
  /** until it is full again; null when the API does not say */
  resetMs: number | null
}

/** The part of a budget that survives a restart. */
export interface BudgetMemory {
  /** requests by the end of the slice of time in which they start at the latest, oldest first */
  slices: [endMs: number, requests: number][]
  /** what the API itself says is left */
  quota: { left: number; limit: number; untilMs: number } | null
  /** no request before */
  notBefore: number
  /** what remains of the declared pace after the API said that it was too fast */
  pace: number
}

export interface RateBudget extends BudgetMemory {
  limit: Limit
  /** share left to other users of the account */
  reserve: number
  /** granted, and neither answered nor given back */
  inFlight: number
  /** the API is nearly used up: requests are this far apart */
  spacingMs: number
  /** the pace was last lowered, or raised again */
  pacedAt: number
  /** answers so far, and the quickest of them of late: by more than that, a request may have been under way to the API */
  answers: number
  quickestMs: number
}

/** A window is remembered in so many slices; what starts in one counts until its end. */
const slicesOfWindow = 64
/** A limit that says "slow down" never stops requests for longer than this at a time. */
const longestSpacingMs = 60_000
/** Nor is anything left after a reset that the API puts further away, where the manifest names no window. */
const longestResetMs = 3_600_000
const longestShiftedMs = 600_000
const lowestPace = 0.1
const paceStep = 0.1
/** Without a window of its own the pace goes up once in this time. */
const defaultWindowMs = 60_000
/** Requests travel unevenly: the API's window is taken to be longer by this share, up to a bound. */
const travelShare = 0.02
const longestTravelMs = 50
/** After so many answers it is known how quick they are. */
const answersToKnow = 100
/** An API that became slower all in all is noticed. */
const quickestDecay = 1.01
/** A slow answer is mostly the API's own time: it lowers the pace by no more than this share. */
const latestShare = 0.2

export function makeBudget(limit: Limit, reserve: number, memory?: BudgetMemory): RateBudget {
  const fresh: BudgetMemory = { slices: [], quota: null, notBefore: 0, pace: 1 }
  const state = { inFlight: 0, spacingMs: 0, pacedAt: 0, answers: 0, quickestMs: 0 }
  return { ...(memory ?? fresh), ...state, limit, reserve }
}

/**
 * How many requests may be let go now; with a limit that was lowered, none until it is met again.
 * @param share of the limit that is left to others, at least one request where there is more than one
 */
export function roomOf(budget: RateBudget, now: number, share = 0): number {
  if (budget.notBefore > now) return 0
  const { concurrency } = budget.limit
  let room = budget.spacingMs > 0 ? 1 : Number.POSITIVE_INFINITY
  if (concurrency !== undefined)
    room = Math.min(room, concurrency - keptOf(concurrency, share) - budget.inFlight)
  const most = mostInWindow(budget)
  if (most !== null) room = Math.min(room, most - keptOf(most, share) - used(budget, now))
  return Math.max(0, Math.min(room, quotaRoom(budget, now, share)))
}

const keptOf = (most: number, share: number): number =>
  share === 0 ? 0 : Math.min(most - 1, Math.max(1, Math.floor(most * share)))

/** When there may be room again, if nothing is answered before: Infinity when only an answer can make some. */
export function freeAt(budget: RateBudget, now: number, share = 0): number {
  let at = Math.max(now, budget.notBefore)
  const { quota } = budget
  if (quotaRoom(budget, now, share) < 1 && quota) at = Math.max(at, quota.untilMs)
  const all = mostInWindow(budget)
  if (all !== null) {
    const most = all - keptOf(all, share)
    let over = used(budget, now) - most + 1
    for (const [end, requests] of budget.slices) {
      if (over <= 0) break
      if (end <= now - lengthOf(budget)) continue
      over -= requests
      at = Math.max(at, end + lengthOf(budget))
    }
  }
  const { concurrency } = budget.limit
  const isFull =
    concurrency !== undefined && budget.inFlight >= concurrency - keptOf(concurrency, share)
  return isFull ? Number.POSITIVE_INFINITY : at
}

/** Takes leave for requests that start between now and `untilMs`. */
export function take(budget: RateBudget, requests: number, now: number, untilMs: number): void {
  budget.inFlight += requests
  count(budget, untilMs, requests)
  if (budget.quota) budget.quota.left -= requests
  if (budget.spacingMs > 0) budget.notBefore = Math.max(budget.notBefore, now + budget.spacingMs)
  prune(budget, now)
}

/** Requests that were let go with this `untilMs` are not made. */
export function giveBack(budget: RateBudget, requests: number, untilMs: number): void {
  budget.inFlight = Math.max(0, budget.inFlight - requests)
  uncount(budget, untilMs, requests)
  if (budget.quota) budget.quota.left += requests
}

/**
 * One request got its answer, or failed. The API counted it when it came: at its start if it was as quick as others are, later
 * if it was not. While it is not known how quick they are, it may have come as late as its answer.
 */
export function answered(
  budget: RateBudget,
  request: { untilMs: number; startedMs: number },
  now: number,
): void {
  budget.inFlight = Math.max(0, budget.inFlight - 1)
  const tookMs = Math.max(0, now - request.startedMs)
  const isKnown = budget.answers >= answersToKnow
  const lateMs = isKnown
    ? Math.min(tookMs - Math.min(tookMs, budget.quickestMs), windowOf(budget) * latestShare)
    : tookMs
  const quickest = budget.quickestMs * quickestDecay
  budget.quickestMs = budget.answers === 0 ? tookMs : Math.min(tookMs, quickest)
  budget.answers += 1
  if (uncount(budget, request.untilMs, 1)) count(budget, request.startedMs + lateMs, 1)
}

/** What the API says is left. Answers overtake each other: within one window the smaller number is the newer one. */
export function learnQuota(budget: RateBudget, seen: Quota, now: number): void {
  const { per_ms: perMs } = budget.limit
  const untilMs = now + Math.min(seen.resetMs ?? perMs ?? 1_000, perMs ?? longestResetMs)
  // Those under way may not have been counted yet.
  const left = seen.left - budget.inFlight
  const known = budget.quota
  const isSame = known !== null && known.untilMs > now && untilMs <= known.untilMs + 1_000
  budget.quota = {
    left: isSame ? Math.min(known.left, left) : left,
    limit: seen.limit,
    untilMs: isSame ? Math.max(known.untilMs, untilMs) : untilMs,
  }
}

/** From now on requests are this far apart; 0: no longer. */
export function space(budget: RateBudget, spacingMs: number, now: number): void {
  budget.spacingMs = Math.min(Math.max(0, spacingMs), longestSpacingMs)
  if (budget.spacingMs > 0) budget.notBefore = Math.max(budget.notBefore, now + budget.spacingMs)
}

/** The API refused a request as one too many: half the pace, once a window however many are refused. */
export function refused(budget: RateBudget, now: number): void {
  if (now - budget.pacedAt < windowOf(budget) && budget.pace < 1) return
  budget.pace = Math.max(lowestPace, budget.pace / 2)
  budget.pacedAt = now
}

/** An answer that was not refused: the pace goes up step by step, once a window. */
export function accepted(budget: RateBudget, now: number): void {
  if (budget.pace === 1 || now - budget.pacedAt < windowOf(budget)) return
  budget.pace = Math.min(1, Math.round((budget.pace + paceStep) * 100) / 100)
  budget.pacedAt = now
}

/** What is stored. */
export function memoryOf(budget: RateBudget, now: number): BudgetMemory {
  prune(budget, now)
  const { slices, quota, notBefore, pace } = budget
  return { slices: slices.map(([end, requests]) => [end, requests]), quota, notBefore, pace }
}

/** Requests that may start in any window: null when this limit has none. */
export function mostInWindow({ limit, reserve, pace, quota }: RateBudget): number | null {
  const { requests, per_ms: perMs } = limit
  if (requests === undefined || perMs === undefined) return null
  const known = limit.limit_header === undefined ? undefined : quota?.limit
  return Math.max(1, Math.floor(Math.min(requests, known ?? requests) * (1 - reserve) * pace))
}

/** Counts requests of which nothing else is known than that they may have started until then. */
export function count(budget: RateBudget, atMs: number, requests: number): void {
  if (mostInWindow(budget) === null) return
  const end = sliceEnd(budget, atMs)
  const at = budget.slices.findLastIndex(([other]) => other <= end)
  const found = budget.slices[at]
  if (found?.[0] === end) found[1] += requests
  else budget.slices.splice(at + 1, 0, [end, requests])
}

function uncount(budget: RateBudget, atMs: number, requests: number): boolean {
  const end = sliceEnd(budget, atMs)
  const found = budget.slices.find(([other]) => other === end)
  if (!found) return false
  found[1] = Math.max(0, found[1] - requests)
  return true
}

function quotaRoom({ quota, reserve }: RateBudget, now: number, share: number): number {
  if (!quota || quota.untilMs <= now) return Number.POSITIVE_INFINITY
  return quota.left - Math.ceil(quota.limit * reserve) - keptOf(quota.limit, share)
}

function used(budget: RateBudget, now: number): number {
  const since = now - lengthOf(budget)
  let sum = 0
  for (const [end, requests] of budget.slices) if (end > since) sum += requests
  return sum
}

function prune(budget: RateBudget, now: number): void {
  const since = now - lengthOf(budget)
  const kept = budget.slices.findIndex(([end, requests]) => end > since && requests > 0)
  budget.slices = kept < 0 ? [] : kept === 0 ? budget.slices : budget.slices.slice(kept)
}

/**
 * The clock was set, by so many ms: what was counted keeps its age. Of a long window only when it went back: a machine that
 * slept looks like a clock that went on, and nobody should wait for the day that it slept through.
 */
export function shift(budget: RateBudget, ms: number): void {
  if (ms > 0 && windowOf(budget) > longestShiftedMs) return
  budget.slices = budget.slices.map(([end, requests]) => [sliceEnd(budget, end + ms), requests])
  budget.notBefore += ms
  budget.pacedAt += ms
  if (budget.quota) budget.quota.untilMs += ms
}

/** ms in which what was used comes back. */
export const windowOf = ({ limit }: RateBudget): number => limit.per_ms ?? defaultWindowMs

function lengthOf(budget: RateBudget): number {
  const length = windowOf(budget)
  return length + Math.min(length * travelShare, longestTravelMs)
}

const sliceWidth = (budget: RateBudget): number => Math.max(1, windowOf(budget) / slicesOfWindow)

const sliceEnd = (budget: RateBudget, atMs: number): number =>
  Math.ceil(atMs / sliceWidth(budget)) * sliceWidth(budget)
