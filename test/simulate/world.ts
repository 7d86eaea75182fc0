/** The whole core in virtual time: engine, ledger and actors are the real ones; clock, API, destination and threads are played. */
import Sqlite from 'better-sqlite3'
import { replaceTurn } from '../../runtime/engine/breathe.ts'
import { CommitSlots } from '../../runtime/engine/commit-slots.ts'
import type { EngineDeps, StreamContext } from '../../runtime/engine/context.ts'
import type { EngineEvent } from '../../runtime/engine/engine-events.ts'
import { FreshForecast } from '../../runtime/engine/fresh-forecast.ts'
import { Governors } from '../../runtime/engine/governors.ts'
import { streamKey } from '../../runtime/engine/job.ts'
import { LedgerEngine } from '../../runtime/engine/ledger-engine.ts'
import { Permits } from '../../runtime/engine/permits.ts'
import { RunQueue } from '../../runtime/engine/run-queue.ts'
import { Scheduler } from '../../runtime/engine/scheduler.ts'
import { makeAttemptStore } from '../../runtime/store/attempts.ts'
import { FenceCounter } from '../../runtime/store/fence-counter.ts'
import { makeRangeStore, type RangeRow } from '../../runtime/store/ranges.ts'
import { makeRunStore } from '../../runtime/store/runs.ts'
import { makeSourceBudgetStore } from '../../runtime/store/source-budgets.ts'
import type { Failure } from '../../schema/error.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import type { Random } from '../kill/random.ts'
import {
  day,
  insertStream,
  makeContext,
  makeTestConfiguration,
  noon,
  openDatabase,
} from '../runtime/engine/harness.ts'
import { manifestOf, SimApi, type SourceRules } from './api.ts'
import { SimDestination } from './destination.ts'
import { VirtualLoop } from './loop.ts'
import { SimPool } from './pool.ts'
import { openSimPorts } from './ports.ts'

export const sourceIds = ['x', 'y'] as const
export const streamIds = ['s0', 's1', 's2'] as const
export type StreamId = (typeof streamIds)[number]

export type WorldRules = Record<(typeof sourceIds)[number], SourceRules>

const usualRules: WorldRules = {
  x: {
    maxInFlight: 3,
    limits: [
      { requests: 6, per_ms: 1_000 },
      { requests: 90, per_ms: 60_000 },
    ],
  },
  y: { maxInFlight: 8, limits: [] },
}
const manifestsOf = (rules: WorldRules): Record<string, Manifest> =>
  Object.fromEntries(Object.entries(rules).map(([id, own]) => [id, manifestOf(id, own)]))
const usualManifests = manifestsOf(usualRules)
/** What can't be now; the next tick tries again. */
const refusals = new Set(['stream.resetting', 'run.cancelling', 'server.stopping'])
/** As the supervisor's: whoever waits longer is woken to look at the clock again. */
const longestTimerMs = 60_000
const template = openDatabase()
const schema = template.serialize()

/** What lives as long as one process of Derrick. */
interface Life {
  loop: VirtualLoop
  pool: SimPool
  deps: EngineDeps
  engine: LedgerEngine
  scheduler: Scheduler
}

export class SimWorld {
  readonly random: Random
  readonly faults: string[] = []
  readonly contexts = new Map<string, StreamContext>()
  readonly api: SimApi
  readonly destination: SimDestination
  /** long acts of people: resets, moves of ranges */
  underWay = 0
  limits = { global: 4, perSource: 2 }
  #db = new Sqlite(schema)
  #ids = 1
  #loop: VirtualLoop | undefined
  #runs = new Map<string, string>()
  readonly #manifests: Record<string, Manifest>
  life: Life

  constructor(random: Random, rules = usualRules) {
    this.#manifests = rules === usualRules ? usualManifests : manifestsOf(rules)
    this.random = random
    this.api = new SimApi(random, rules, this.faults)
    this.destination = new SimDestination(random)
    for (const context of streamsOf(random, rules)) {
      this.contexts.set(context.streamId, context)
      insertStream(this.#db, context)
    }
    for (const id of sourceIds) insertSource(this.#db, id)
    this.life = this.#begin(noon)
  }

  get now(): number {
    return this.life.loop.now
  }

  rows(stream: string): RangeRow[] {
    return this.life.deps.ranges.overlapping(stream, -9e15, 9e15, 100_000)
  }

  /** As a SIGKILL: of what was under way, only what is in the database goes on. */
  kill(): void {
    const { now, elapsed } = this.life.loop
    for (const worker of [0, 1, 2]) this.life.pool.kill(worker)
    const disk = this.#db.serialize()
    // Not closed: what the dead still do is done to a disk that nobody reads. Whoever waited for an answer gets none.
    this.underWay = 0
    this.#db = new Sqlite(disk)
    this.#db.pragma('foreign_keys = off')
    // What a clock set just before a restart means for windows that are not over is beyond what is promised.
    const downMs = this.life.loop.isSet ? 60_000 : this.random.between(0, 5_000)
    this.api.before += elapsed + downMs
    this.life = this.#begin(now + downMs)
    this.life.engine.start()
  }

  async stop(): Promise<void> {
    let isStopped = false
    void this.life.engine.stop(5_000).then(() => {
      isStopped = true
    })
    for (let i = 0; i < 50_000 && !isStopped; i++) if (!(await this.life.loop.step())) break
    if (!isStopped) this.faults.push('it never stopped')
    this.kill()
  }

  change(stream: string, changes: Partial<StreamContext>): void {
    const context = this.contexts.get(stream)
    if (context) this.contexts.set(stream, { ...context, ...changes })
  }

  #begin(now: number): Life {
    const loop = new VirtualLoop(this.random, now)
    this.#loop = loop
    replaceTurn(() => loop.turn())
    const db = this.#db
    const { random, api, destination } = this
    const pool = new SimPool({ loop, random, api, destination })
    const permits = new Permits(this.limits)
    const wakeAt: EngineDeps['wakeAt'] = (at, call) =>
      loop.in(Math.min(at - loop.now, longestTimerMs), call)
    const config = makeTestConfiguration(db, this.contexts)
    const forecast = new FreshForecast({ config, now: () => loop.now })
    const deps: EngineDeps = {
      now: () => loop.now,
      random: random.unit,
      newId: (prefix) => `${prefix}_${1_000_000 + this.#ids++}`,
      wakeAt,
      every: () => () => {},
      openPorts: () => openSimPorts(loop),
      ranges: makeRangeStore(db),
      runs: makeRunStore(db),
      attempts: makeAttemptStore(db),
      fences: new FenceCounter(db, () => loop.now),
      config: {
        ...config,
        jobInputs: (id) => ({
          manifest: this.#manifests[this.contexts.get(id)?.source.id ?? ''] as Manifest,
          sourceConfig: {},
          destinationConfig: {},
        }),
      },
      permits,
      queue: new RunQueue(permits),
      slots: new CommitSlots(),
      forecast,
      governors: new Governors({
        now: () => loop.now,
        elapsed: () => loop.elapsed,
        wakeAt,
        budgets: makeSourceBudgetStore(db),
        savePause: config.setSourcePausedUntil,
        expectsFresh: (sourceId, ms) => forecast.isDueWithin(sourceId, ms),
        onWaiting: (sourceId) => engine.sourceWaits(sourceId),
      }),
      pool,
      // The dead may still speak for a moment.
      emit: (event) => {
        if (this.#loop === loop) this.#hear(event)
      },
      spoolDir: '/nowhere',
      allowPrivateNetworks: true,
    }
    const engine: LedgerEngine = new LedgerEngine(
      deps,
      () => this.#manifests.x as Manifest,
      () => null,
    )
    const before = [() => engine.permitsReturned()]
    const scheduler = new Scheduler(deps, engine, { before }, (error) => {
      const { code } = error as Failure
      if (!refusals.has(code)) this.faults.push(`a duty failed: ${JSON.stringify(error)}`)
    })
    return { loop, pool, deps, engine, scheduler }
  }

  /** The promise: complete in the ledger is committed at the destination, by that attempt or a later one. */
  #hear(event: EngineEvent): void {
    if (event.kind === 'run-changed') this.#hearRun(event.run.id, event.run.status)
    if (event.kind !== 'range-changed' || event.range.status !== 'complete') return
    const { streamId, kind, start, committedFence, failures } = event.range
    const context = this.contexts.get(streamId)
    if (!context) return
    const { committed } = this.destination.held(streamKey(context), { kind, start })
    const fence = committed?.receipt.fence ?? 0
    if (fence < (committedFence ?? 0) || fence === 0)
      this.faults.push(`${streamId} ${start}: complete with ${committedFence}, held is ${fence}`)
    if (failures > 0) this.faults.push(`${streamId} ${start}: complete with ${failures} failures`)
  }

  #hearRun(id: string, status: string): void {
    const before = this.#runs.get(id)
    this.#runs.set(id, status)
    const isOver = before !== undefined && !['queued', 'running'].includes(before)
    if (isOver && before !== status) this.faults.push(`run ${id} was ${before} and is ${status}`)
  }
}

function streamsOf(random: Random, rules: WorldRules): StreamContext[] {
  const source = (id: 'x' | 'y') => ({
    id,
    name: id,
    zone: 'UTC',
    paused: false,
    pausedReason: null,
    pausedUntil: null,
    maxInFlight: rules[id].maxInFlight,
  })
  const strategy = (): StreamContext['strategy'] =>
    random.pick(['newest_first', 'oldest_first'] as const)
  const start = () => noon - random.between(0, 7) * day
  const shared = () => ({
    strategy: strategy(),
    start: start(),
    lookbackMs: random.between(0, 2) * day,
  })
  const streams: Partial<StreamContext>[] = [
    { streamId: 's0', parallelRanges: 4, source: source('x'), ...shared() },
    { streamId: 's1', parallelRanges: 'auto', source: source('x'), ...shared() },
    { streamId: 's2', parallelRanges: 8, source: source('y'), schedule: '* * * * *', ...shared() },
  ]
  return streams.map((one, i) => {
    const context = makeContext(one, i)
    return {
      ...context,
      connector: { ...context.connector, streamName: 'days', tracks: 'creation' },
    }
  })
}

function insertSource(db: Sqlite.Database, id: string): void {
  db.pragma('foreign_keys = off')
  db.prepare(
    `insert into sources (id, workspace_id, name, connector, config, timezone, created_at, updated_at)
     values (?, 'ws_1', ?, 'sim', '{}', 'UTC', 0, 0)`,
  ).run(id, id)
}
