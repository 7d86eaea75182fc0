import { type Channel, openChannel, type Port } from '../../schema/channel.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import type { LeaveAnswer, LeaveRequest } from '../../schema/protocol.ts'
import type { SourceBudgetStore } from '../store/source-budgets.ts'
import type { StreamContext } from './context.ts'
import { type GovernorMemory, SourceGovernor } from './source-governor.ts'
import { askedToWait } from './stream-rules.ts'

export interface GovernorDeps {
  now: () => number
  /** ms of a clock that nobody sets */
  elapsed: () => number
  wakeAt: (at: number, call: () => void) => () => void
  budgets: SourceBudgetStore
  /** stores a pause that an API asked for */
  savePause: (sourceId: string, untilMs: number) => void
  /** whether fresh data are due at a source within so many ms */
  expectsFresh: (sourceId: string, withinMs: number) => boolean
  /** a source's requests begin to wait, or go on */
  onWaiting: (sourceId: string) => void
}

/** One worker's line to a source's governor. */
interface Client {
  channel: Channel<LeaveAnswer>
  /** granted, and not yet answered or given back */
  inFlight: { groups: string[]; untilMs: number }[]
}

interface Entry {
  sourceId: string
  name: string
  manifest: Manifest
  reserve: number
  governor: SourceGovernor<Client>
  clients: Set<Client>
  forgetAlarm: (() => void) | undefined
  savedAt: number
  /** requests granted since */
  unsaved: number
  isWaitTold: boolean
}

/** Budgets are stored at least so often while requests are granted, and after this share of their window's requests. */
const saveEveryMs = 1_000
const saveShare = 0.01
/** After a restart such windows count as used up: they are over before it would matter. */
const shortWindowMs = 10_000
/** Clocks drift, and are corrected, by less. */
const steadyMs = 500
/** Shorter waits are nobody's concern. */
const toldWaitMs = 1_000
/** Sources without anything under way that are remembered in memory; the rest are read again. */
const mostEntries = 1_000

/**
 * The rate budgets of all sources: they hold over all workers, survive restarts, and are asked by requests of limited sources
 * only. A wait that an API asks for is told to everybody who reads from it, at once.
 */
export class Governors {
  readonly #deps: GovernorDeps
  readonly #entries = new Map<string, Entry>()

  #clock: { now: number; elapsed: number }
  /** by how much the clock was set since the process began */
  #setBy = 0
  /** … until a source's budget was stored by this process; what an earlier one stored has seen none of it */
  readonly #storedUnder = new Map<string, number>()

  constructor(deps: GovernorDeps) {
    this.#deps = deps
    this.#clock = { now: deps.now(), elapsed: deps.elapsed() }
  }

  /** The time; what was counted keeps its age when the clock was set meanwhile. */
  #now(): number {
    const { now, elapsed } = { now: this.#deps.now(), elapsed: this.#deps.elapsed() }
    const setBy = now - this.#clock.now - (elapsed - this.#clock.elapsed)
    if (Math.abs(setBy) > steadyMs) {
      this.#clock = { now, elapsed }
      this.#setBy += setBy
      for (const { governor } of this.#entries.values()) governor.shift(setBy)
    }
    return now
  }

  /** A range of this source goes to a worker; its limits are those of now. */
  declare(source: StreamContext['source'], manifest: Manifest): void {
    const { id, name, reserve = 0 } = source
    const known = this.#entries.get(id)
    if (known) {
      known.name = name
      if (known.manifest !== manifest || known.reserve !== reserve)
        known.governor.declare(declaredLimits(manifest, reserve))
      known.manifest = manifest
      known.reserve = reserve
      return
    }
    this.#forgetIdle()
    this.#entries.set(id, this.#open(source, manifest, reserve))
  }

  /** A worker opened its line. */
  attach(sourceId: string, port: Port): void {
    const entry = this.#entries.get(sourceId)
    if (!entry) {
      port.close()
      return
    }
    const client: Client = {
      channel: openChannel<LeaveAnswer, LeaveRequest>(
        port,
        {
          'leave-wanted': ({ groups, lane, count }) => {
            entry.governor.want(client, groups, lane, count)
            this.#pump(entry)
          },
          'leave-returned': ({ groups, count, untilMs }) => {
            settle(client, groups, count, untilMs)
            entry.governor.giveBack(groups, count, untilMs)
            this.#pump(entry)
          },
          'request-answered': (request) => {
            settle(client, request.groups, 1, request.untilMs)
            entry.governor.answered(request.groups, request, this.#now())
            this.#pump(entry)
          },
          'wait-asked': ({ untilMs }) => this.pause(sourceId, untilMs),
        },
        () => {
          entry.clients.delete(client)
          entry.governor.forget(client, client.inFlight)
          this.#pump(entry)
        },
      ),
      inFlight: [],
    }
    entry.clients.add(client)
    if (entry.governor.pausedUntil > this.#now()) this.#tellPause(entry, client)
  }

  /** The API asked that nothing be sent before then: stored, and told to all workers. Never shortens a longer one. */
  pause(sourceId: string, untilMs: number): void {
    const entry = this.#entries.get(sourceId)
    if (!entry?.governor.pause(untilMs)) return
    this.#deps.savePause(sourceId, untilMs)
    for (const client of entry.clients) this.#tellPause(entry, client)
    this.#pump(entry)
  }

  /** The source was changed by a person: what was asked for before may not hold any more. */
  resume(sourceId: string): void {
    const entry = this.#entries.get(sourceId)
    if (!entry || entry.governor.pausedUntil === 0) return
    entry.governor.resume()
    for (const client of entry.clients) this.#tellPause(entry, client)
    this.#pump(entry)
  }

  /** What requests of this source wait for, for people: `shop's burst limit (12 s)`. */
  waitingFor(sourceId: string): string | undefined {
    const entry = this.#entries.get(sourceId)
    const now = this.#now()
    if (entry && entry.governor.pausedUntil - now >= toldWaitMs)
      return askedToWait(entry.name, entry.governor.pausedUntil)
    const wait = entry?.governor.waitingFor(now)
    if (!entry || !wait || wait.untilMs - now < toldWaitMs) return undefined
    return `${entry.name}'s ${wait.limit} (${waitTitle(wait.untilMs - now)})`
  }

  #open(source: StreamContext['source'], manifest: Manifest, reserve: number): Entry {
    // Whether the clock was set is asked first: what is opened below is moved by it there.
    this.#now()
    const stored = this.#deps.budgets.find(source.id)
    const declared = declaredLimits(manifest, reserve)
    const governor = new SourceGovernor<Client>(declared, stored?.memory as GovernorMemory)
    if (stored) governor.assumeUnsaved(stored.savedAt, saveEveryMs, shortWindowMs, saveShare)
    governor.shift(this.#setBy - (this.#storedUnder.get(source.id) ?? 0))
    governor.pause(source.pausedUntil ?? 0)
    return {
      sourceId: source.id,
      name: source.name,
      manifest,
      reserve,
      governor,
      clients: new Set(),
      forgetAlarm: undefined,
      savedAt: stored?.savedAt ?? 0,
      unsaved: 0,
      isWaitTold: false,
    }
  }

  #pump(entry: Entry): void {
    const { wakeAt, expectsFresh } = this.#deps
    entry.forgetAlarm?.()
    entry.forgetAlarm = undefined
    const { grants, againAt } = entry.governor.decide(this.#now(), (ms) =>
      expectsFresh(entry.sourceId, ms),
    )
    for (const { client, groups, requests, untilMs } of grants) {
      entry.unsaved += requests
      for (let i = 0; i < requests; i++) client.inFlight.push({ groups, untilMs })
    }
    // Stored before it is used: after a restart no budget is taken for fuller than it is.
    if (grants.length > 0) this.#save(entry)
    for (const { client, groups, lane, requests, untilMs } of grants)
      client.channel.send({ kind: 'leave-granted', groups, lane, count: requests, untilMs })
    if (againAt !== null) entry.forgetAlarm = wakeAt(againAt, () => this.#pump(entry))
    this.#tellWait(entry)
  }

  #save(entry: Entry): void {
    const now = this.#now()
    const isDue = now - entry.savedAt >= saveEveryMs || now < entry.savedAt
    if (!isDue && entry.unsaved < entry.governor.smallestWindow(shortWindowMs) * saveShare) return
    this.#deps.budgets.save(entry.sourceId, { memory: entry.governor.memory(now), savedAt: now })
    this.#storedUnder.set(entry.sourceId, this.#setBy)
    entry.savedAt = now
    entry.unsaved = 0
  }

  #tellPause(entry: Entry, client: Client): void {
    client.channel.send({ kind: 'source-paused', untilMs: entry.governor.pausedUntil })
  }

  #tellWait(entry: Entry): void {
    const isWaiting = this.waitingFor(entry.sourceId) !== undefined
    if (isWaiting === entry.isWaitTold) return
    entry.isWaitTold = isWaiting
    this.#deps.onWaiting(entry.sourceId)
  }

  #forgetIdle(): void {
    if (this.#entries.size < mostEntries) return
    for (const [id, entry] of this.#entries) if (entry.clients.size === 0) this.#entries.delete(id)
  }
}

function settle(client: Client, groups: string[], count: number, untilMs: number): void {
  const key = groups.join()
  for (let left = count; left > 0; left--) {
    const at = client.inFlight.findIndex(
      (one) => one.untilMs === untilMs && one.groups.join() === key,
    )
    if (at < 0) return
    client.inFlight.splice(at, 1)
  }
}

function declaredLimits(manifest: Manifest, reserve: number) {
  const streams = Object.fromEntries(
    Object.entries(manifest.streams).map(([name, { limits }]) => [name, limits]),
  )
  return { api: manifest.api.limits, streams, reserve }
}

const waitTitle = (ms: number): string => {
  const seconds = Math.ceil(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3_600)} h`
}
