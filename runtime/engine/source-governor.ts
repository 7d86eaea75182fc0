/** Who may send a request to a source, and when: pure but for its own state. Times are epoch ms. */
import { type Limit, limitGroup, limitTitle } from '../../schema/manifest/limit.ts'
import type { SeenLimit } from '../../schema/protocol.ts'
import { type Lane, lanes } from '../../schema/range.ts'
import {
  accepted,
  answered,
  type BudgetMemory,
  count,
  freeAt,
  giveBack,
  learnQuota,
  makeBudget,
  memoryOf,
  mostInWindow,
  type RateBudget,
  refused,
  roomOf,
  shift,
  space,
  take,
  windowOf,
} from './rate-budget.ts'

/** The limits of a source as they are declared now. */
export interface DeclaredLimits {
  api: readonly Limit[]
  /** of streams that have their own, by name */
  streams: Record<string, readonly Limit[]>
  /** share of all limits that is left to the account's other users */
  reserve: number
}

/** Leave for `requests` requests of one worker, to be used until `untilMs`. */
export interface Grant<Client> {
  client: Client
  groups: string[]
  lane: Lane
  requests: number
  untilMs: number
}

export interface Decision<Client> {
  grants: Grant<Client>[]
  /** when more may be granted by the mere passing of time; null when nothing waits for that */
  againAt: number | null
}

/** A wait that people should know of. */
export interface GovernorWait {
  untilMs: number
  /** as in "burst limit" */
  limit: string
}

/** What a governor knows, as JSON. */
export type GovernorMemory = Record<string, BudgetMemory[]>

interface Want<Client> {
  client: Client
  groups: string[]
  lane: Lane
  requests: number
}

/** Grants are used at once; this allows for a busy worker. Shorter for short windows, whose pace it would lower. */
const shortestLeaseMs = 25
const longestLeaseMs = 500
const leaseShare = 0.05
/** What history leaves of a limit while fresh data are expected. */
const freshShare = 0.1

/**
 * The governor of one source, over all workers: each request needs leave from every limit that counts it. Fresher lanes go
 * first; within one, workers take turns.
 */
export class SourceGovernor<Client> {
  #budgets = new Map<string, RateBudget[]>()
  #wants: Want<Client>[] = []
  #pausedUntil = 0
  #turn = 0
  #expectsFresh: (withinMs: number) => boolean = () => false
  #wait: GovernorWait | undefined

  constructor(declared: DeclaredLimits, memory: GovernorMemory = {}) {
    this.declare(declared, memory)
  }

  /** Limits may change at any time; what was used of one that stays stays used. */
  declare({ api, streams, reserve }: DeclaredLimits, memory: GovernorMemory = {}): void {
    const known = this.#budgets
    this.#budgets = new Map()
    const add = (stream: string | null, limit: Limit): void => {
      const group = limitGroup(stream, limit.match)
      const budgets = this.#budgets.get(group) ?? []
      const old = known.get(group)?.[budgets.length]
      const remembered = memory[group]?.[budgets.length]
      budgets.push(old ? { ...old, limit, reserve } : makeBudget(limit, reserve, remembered))
      this.#budgets.set(group, budgets)
    }
    for (const limit of api) add(null, limit)
    for (const [stream, limits] of Object.entries(streams))
      for (const limit of limits) add(stream, limit)
  }

  get isLimited(): boolean {
    return this.#budgets.size > 0
  }

  get pausedUntil(): number {
    return this.#pausedUntil
  }

  /** True when this makes the pause longer: a shorter one that comes later changes nothing. */
  pause(untilMs: number): boolean {
    if (untilMs <= this.#pausedUntil) return false
    this.#pausedUntil = untilMs
    return true
  }

  /** Somebody lifted the pause. */
  resume(): void {
    this.#pausedUntil = 0
  }

  /** @param requests so many more wait; negative when they were given up */
  want(client: Client, groups: string[], lane: Lane, requests: number): void {
    const key = groups.join()
    const same = (want: Want<Client>): boolean =>
      want.client === client && want.lane === lane && want.groups.join() === key
    const found = this.#wants.find(same)
    if (found) found.requests += requests
    else if (requests > 0) this.#wants.push({ client, groups, lane, requests })
    this.#wants = this.#wants.filter((want) => want.requests > 0)
  }

  /** Leave that was not used in time. */
  giveBack(groups: string[], requests: number, untilMs: number): void {
    for (const budget of this.#of(groups)) giveBack(budget, requests, untilMs)
  }

  answered(
    groups: string[],
    request: { untilMs: number; startedMs: number; refused: boolean; seen: SeenLimit[] },
    now: number,
  ): void {
    for (const budget of this.#of(groups)) {
      answered(budget, request, now)
      if (request.refused) refused(budget, now)
      else accepted(budget, now)
    }
    for (const { group, nth, left, limit, resetMs, spacingMs } of request.seen) {
      const budget = this.#budgets.get(group)?.[nth]
      if (!budget) continue
      space(budget, spacingMs, now)
      if (left !== null && limit !== null) learnQuota(budget, { left, limit, resetMs }, now)
    }
  }

  /** A worker is gone with all it had asked for; requests that it was sending stay counted. */
  forget(client: Client, inFlight: { groups: string[] }[]): void {
    this.#wants = this.#wants.filter((want) => want.client !== client)
    for (const { groups } of inFlight)
      for (const budget of this.#of(groups)) budget.inFlight = Math.max(0, budget.inFlight - 1)
  }

  /**
   * Lets go whoever may go now.
   * @param expectsFresh whether fresh data are due at the source within so many ms: other lanes leave a share to them
   */
  decide(now: number, expectsFresh: (withinMs: number) => boolean = () => false): Decision<Client> {
    this.#expectsFresh = expectsFresh
    this.#wait = undefined
    if (this.#wants.length === 0) return { grants: [], againAt: null }
    if (this.#pausedUntil > now) return { grants: [], againAt: this.#pausedUntil }
    const grants: Grant<Client>[] = []
    this.#turn += 1
    for (const lane of lanes) this.#grantLane(lane, now, grants)
    this.#wants = this.#wants.filter((want) => want.requests > 0)
    return { grants, againAt: this.#nextChange(now) }
  }

  /** What those that wait wait for; undefined when nobody does, or only until something is answered. */
  waitingFor(now: number): GovernorWait | undefined {
    return this.#wait && this.#wait.untilMs > now ? this.#wait : undefined
  }

  /** The clock was set by so many ms. */
  shift(ms: number): void {
    for (const budgets of this.#budgets.values()) for (const budget of budgets) shift(budget, ms)
  }

  memory(now: number): GovernorMemory {
    const memory: GovernorMemory = {}
    for (const [group, budgets] of this.#budgets)
      memory[group] = budgets.map((budget) => memoryOf(budget, now))
    return memory
  }

  /**
   * Counts what may have been granted after the last time that was stored: all of a short window, of a longer one a share.
   * @param everyMs time between two stores, at most
   */
  assumeUnsaved(savedAt: number, everyMs: number, shortMs: number, share: number): void {
    for (const budget of [...this.#budgets.values()].flat()) {
      const most = mostInWindow(budget)
      if (most === null) continue
      const isLong = isLonger(budget.limit, shortMs)
      count(budget, savedAt + everyMs, isLong ? Math.ceil(most * share) + 1 : most)
    }
  }

  /** Requests of the smallest limit whose window is longer than `lengthMs`; Infinity without one. */
  smallestWindow(lengthMs: number): number {
    const long = [...this.#budgets.values()].flat().filter(({ limit }) => isLonger(limit, lengthMs))
    return Math.min(...long.map((budget) => mostInWindow(budget) ?? Number.POSITIVE_INFINITY))
  }

  /** Fresh data that come before a window is over find room in it. */
  #leftBy(lane: Lane, budget: RateBudget): number {
    return lane !== 'fresh' && this.#expectsFresh(windowOf(budget)) ? freshShare : 0
  }

  #of(groups: string[]): RateBudget[] {
    return groups.flatMap((group) => this.#budgets.get(group) ?? [])
  }

  /** One request a worker and turn, so that a worker with many does not starve one with few. */
  #grantLane(lane: Lane, now: number, grants: Grant<Client>[]): void {
    const wants = this.#wants.filter((want) => want.lane === lane)
    const first = this.#turn % Math.max(1, wants.length)
    const inTurn = [...wants.slice(first), ...wants.slice(0, first)]
    const granted = new Map<Want<Client>, Grant<Client>>()
    for (let more = true; more; ) {
      more = false
      for (const want of inTurn) {
        const budgets = this.#of(want.groups)
        if (
          want.requests === 0 ||
          budgets.some((budget) => roomOf(budget, now, this.#leftBy(lane, budget)) < 1)
        )
          continue
        const grant = granted.get(want) ?? this.#newGrant(want, budgets, now)
        for (const budget of budgets) take(budget, 1, now, grant.untilMs)
        grant.requests += 1
        want.requests -= 1
        granted.set(want, grant)
        more = true
      }
    }
    grants.push(...granted.values())
  }

  #newGrant(want: Want<Client>, budgets: RateBudget[], now: number): Grant<Client> {
    const shortest = Math.min(...budgets.map(({ limit }) => limit.per_ms ?? Infinity))
    const leaseMs = Math.min(longestLeaseMs, Math.max(shortestLeaseMs, shortest * leaseShare))
    const { client, groups, lane } = want
    return { client, groups, lane, requests: 0, untilMs: Math.round(now + leaseMs) }
  }

  #nextChange(now: number): number | null {
    let soonest = Number.POSITIVE_INFINITY
    for (const { groups, lane } of this.#wants) {
      let latest = now
      let limit: Limit | undefined
      for (const budget of this.#of(groups)) {
        const at = freeAt(budget, now, this.#leftBy(lane, budget))
        if (at > latest) [latest, limit] = [at, budget.limit]
      }
      if (latest >= soonest) continue
      soonest = latest
      if (limit) this.#wait = { untilMs: latest, limit: limitTitle(limit) }
    }
    return soonest === Number.POSITIVE_INFINITY ? null : Math.max(now + 1, Math.ceil(soonest))
  }
}

const isLonger = ({ per_ms: perMs = 0 }: Limit, lengthMs: number): boolean => perMs > lengthMs
