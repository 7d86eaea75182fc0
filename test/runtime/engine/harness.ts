import { MessageChannel, type MessagePort } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import { CommitSlots } from '../../../runtime/engine/commit-slots.ts'
import type { Configuration, EngineDeps, StreamContext } from '../../../runtime/engine/context.ts'
import type { EngineEvent } from '../../../runtime/engine/engine-events.ts'
import { FreshForecast } from '../../../runtime/engine/fresh-forecast.ts'
import { Governors } from '../../../runtime/engine/governors.ts'
import { LedgerEngine } from '../../../runtime/engine/ledger-engine.ts'
import { Permits } from '../../../runtime/engine/permits.ts'
import type { ActorPool } from '../../../runtime/engine/pool.ts'
import { RunQueue } from '../../../runtime/engine/run-queue.ts'
import { makeAttemptStore } from '../../../runtime/store/attempts.ts'
import { FenceCounter } from '../../../runtime/store/fence-counter.ts'
import { builtInMigrations } from '../../../runtime/store/migrate.ts'
import { makeRangeStore } from '../../../runtime/store/ranges.ts'
import { makeRunStore } from '../../../runtime/store/runs.ts'
import { makeSourceBudgetStore } from '../../../runtime/store/source-budgets.ts'
import { openChannel } from '../../../schema/channel.ts'
import type { Failure } from '../../../schema/error.ts'
import type { Manifest } from '../../../schema/manifest/manifest.ts'
import type { PoolTask, RangeCommand, RangeEvent, RangeJob } from '../../../schema/protocol.ts'

export const day = 86_400_000
export const noon = Date.UTC(2026, 5, 15, 12)

/** What a scripted actor does with a job: answers on the port, or dies. */
export type Script = (job: RangeJob, actor: ScriptedActor) => void | Promise<void>

export interface ScriptedActor {
  send: (event: RangeEvent) => void
  /** resolves when the supervisor cancels this range */
  cancelled: Promise<void>
  /** resolves when the commit slot that was asked for is granted */
  granted: Promise<void>
  die: (reason: string) => never
}

/** No limits, no streams with limits of their own. */
const bareManifest = { api: { limits: [] }, streams: {} } as unknown as Manifest

const progress = {
  pages: 1,
  records: 10,
  bytes: 100,
  requests: 1,
  dropped: 0,
  sanitised: 0,
  rejects: 0,
}

/** Claims, and commits ten records. */
export const succeed: Script = (job, { send }) => {
  const fence = job.offeredFence + 1
  send({ kind: 'range-claimed', fence, fetchedFrom: noon })
  const receipt = {
    fence,
    records: 10,
    bytes: 100,
    rowsChanged: null,
    checksum: '1',
    fetchedFrom: noon,
    committedAt: noon,
  }
  send({ kind: 'range-completed', receipt, progress, recovered: false })
}

export const failWith =
  (failure: Failure): Script =>
  (_job, { send }) =>
    send({ kind: 'range-failed', failure, progress })

/** Holds the range until it is cancelled. */
export const hang: Script = async (_job, { send, cancelled }) => {
  await cancelled
  send({ kind: 'range-cancelled', progress })
}

/** The clock, timers and ports of a task that stands alone. */
export const realTime = {
  now: Date.now,
  wakeAt: (at: number, call: () => void) => {
    const timer = setTimeout(call, at - Date.now())
    return () => clearTimeout(timer)
  },
  openPorts: () => new MessageChannel(),
}

/** Like the real ones, ids sort by the time they were made. */
let ids = 1_000_000

/** Of the process that a harness stands for. */
interface Life {
  ports: Set<MessagePort>
  isOver: boolean
}

export interface Harness {
  engine: LedgerEngine
  deps: EngineDeps
  events: EngineEvent[]
  /** jobs in the order in which they were dispatched; `alone` for those in a worker of their own */
  jobs: { job: RangeJob; alone: boolean }[]
  contexts: Map<string, StreamContext>
  clock: { now: number }
  /** resolves when a run of the stream has ended */
  ended: (streamId: string) => Promise<string>
  /** as a SIGKILL would: no message reaches this engine any more */
  abandon: () => void
  /** another process on the database as it is now */
  restart: (script: Script) => Harness
  most: { inFlight: number }
}

export function makeHarness(
  script: Script,
  streams: Partial<StreamContext>[] = [{}],
  shared?: Sqlite.Database,
): Harness {
  const db = shared ?? openDatabase()
  const contexts = new Map(
    streams.map((over, i) => [over.streamId ?? `str_${i}`, makeContext(over, i)]),
  )
  if (!shared) for (const context of contexts.values()) insertStream(db, context)
  const clock = { now: noon }
  const events: EngineEvent[] = []
  const jobs: Harness['jobs'] = []
  const most = { inFlight: 0 }
  const life: Life = { ports: new Set(), isOver: false }
  const permits = new Permits({ global: 4, perSource: 2 })
  const config = makeTestConfiguration(db, contexts)
  // Waits pass at once: the clock jumps to where the engine wants to be woken.
  const wakeAt: EngineDeps['wakeAt'] = (at, call) => {
    const timer = setImmediate(() => {
      clock.now = Math.max(clock.now, at)
      call()
    })
    return () => clearImmediate(timer)
  }
  const forecast = new FreshForecast({ config, now: () => clock.now })
  const deps: EngineDeps = {
    now: () => clock.now,
    random: () => 0.5,
    newId: (prefix) => `${prefix}_${ids++}`,
    wakeAt,
    every: () => () => {},
    openPorts: () => new MessageChannel(),
    ranges: makeRangeStore(db),
    runs: makeRunStore(db),
    attempts: makeAttemptStore(db),
    fences: new FenceCounter(db, () => clock.now),
    config,
    permits,
    queue: new RunQueue(permits),
    slots: new CommitSlots(),
    forecast,
    governors: new Governors({
      now: () => clock.now,
      elapsed: () => clock.now,
      wakeAt,
      budgets: makeSourceBudgetStore(db),
      savePause: config.setSourcePausedUntil,
      expectsFresh: (sourceId, ms) => forecast.isDueWithin(sourceId, ms),
      onWaiting: (sourceId) => engine.sourceWaits(sourceId),
    }),
    pool: scriptedPool(script, jobs, most, life),
    emit: (event) => events.push(event),
    spoolDir: '/nowhere',
    allowPrivateNetworks: true,
  }
  const engine: LedgerEngine = new LedgerEngine(
    deps,
    () => ({}) as Manifest,
    () => null,
  )
  return {
    engine,
    deps,
    events,
    jobs,
    contexts,
    clock,
    most,
    ended: (streamId) => runEnded(events, streamId),
    abandon: () => {
      life.isOver = true
      for (const port of life.ports) port.close()
    },
    // A copy: what the abandoned engine still does is done to a disk that nobody reads.
    restart: (next) => makeHarness(next, [...contexts.values()], new Sqlite(db.serialize())),
  }
}

export function openDatabase(): Sqlite.Database {
  const db = new Sqlite(':memory:')
  for (const { sql } of builtInMigrations()) db.exec(sql)
  return db
}

export function insertStream(db: Sqlite.Database, context: StreamContext): void {
  db.pragma('foreign_keys = off')
  db.prepare(
    `insert into streams (id, workspace_id, connection_id, name, source_stream, primary_key, sync_strategy,
     sync_granularity, schedule_timezone, retry, parallel_ranges, write_mode, deletes, enabled, created_at, updated_at)
     values (?, 'ws_1', 'con_1', ?, 'orders', '[]', 'newest_first', 'day', 'UTC', '{}', '1', 'upsert', 'keep', 1, 0, 0)`,
  ).run(context.streamId, context.streamId)
}

export function makeContext(over: Partial<StreamContext>, i: number): StreamContext {
  return {
    streamId: `str_${i}`,
    workspaceId: 'ws_1',
    workspaceName: 'default',
    connectionId: 'con_1',
    connectionName: 'shop',
    streamName: `orders${i}`,
    title: `shop/orders${i}`,
    enabled: true,
    strategy: 'newest_first',
    granularity: 'day',
    schedule: null,
    scheduleZone: 'UTC',
    lastScheduledAt: null,
    settleMs: 0,
    lookbackMs: 0,
    untilUnchanged: false,
    retry: { max_attempts: 3, backoff_seconds: 2 },
    parallelRanges: 1,
    maxRunMs: null,
    columns: {},
    writeMode: 'upsert',
    deletes: 'keep',
    primaryKey: ['id'],
    heldLanes: 0,
    frontier: null,
    start: noon - 5 * day,
    pausedReason: null,
    counts: { pending: 0, running: 0, complete: 0, failed: 0 },
    source: {
      id: 'src_1',
      name: 'shop',
      zone: 'UTC',
      paused: false,
      pausedReason: null,
      pausedUntil: null,
      maxInFlight: 8,
    },
    target: { namespace: 'shop', table: `orders${i}` },
    destination: { id: 'dst_1', type: 'local_file', version: 1, commitSlots: 4 },
    connector: {
      streamName: 'orders',
      windowed: true,
      endFilter: true,
      startFilter: true,
      maxAgeMs: null,
      isOffered: true,
      cursorField: 'updated_at',
      tracks: 'updates',
    },
    ...over,
  }
}

export function makeTestConfiguration(
  db: Sqlite.Database,
  contexts: Map<string, StreamContext>,
): Configuration {
  const counts = db.prepare(
    `select count_pending as pending, count_running as running, count_complete as complete, count_failed as failed
     from streams where id = ?`,
  )
  const frontier = db.prepare(
    'select frontier_from as "from", frontier_to as "to" from streams where id = ?',
  )
  const saveFrontier = db.prepare(
    'update streams set frontier_from = ?, frontier_to = ? where id = ?',
  )
  const change = (streamId: string, changes: Partial<StreamContext>): void => {
    const context = contexts.get(streamId)
    if (context) contexts.set(streamId, { ...context, ...changes })
  }
  const changeSource = (sourceId: string, changes: Partial<StreamContext['source']>): void => {
    for (const [id, context] of contexts) {
      if (context.source.id === sourceId) change(id, { source: { ...context.source, ...changes } })
    }
  }
  return {
    stream: (id) => {
      const context = contexts.get(id)
      const { from, to } = (frontier.get(id) ?? {}) as { from: number | null; to: number | null }
      return (
        context && {
          ...context,
          counts: counts.get(id) as StreamContext['counts'],
          frontier: from === null ? null : { from, to: to ?? from },
        }
      )
    },
    jobInputs: () => ({ manifest: bareManifest, sourceConfig: {}, destinationConfig: {} }),
    scheduledStreams: () =>
      [...contexts.values()].filter((one) => one.schedule).map((one) => one.streamId),
    streamsOfSource: (id) =>
      [...contexts.values()].filter((one) => one.source.id === id).map((one) => one.streamId),
    streamsOfDestination: () => [...contexts.keys()],
    saveFrontier: (id, { from, to }) => void saveFrontier.run(from, to, id),
    setHeldLanes: (id, heldLanes) => change(id, { heldLanes }),
    setScheduledAt: (id, lastScheduledAt) => change(id, { lastScheduledAt }),
    pauseStream: (id, pausedReason) => change(id, { pausedReason }),
    pauseSource: (id, pausedReason) => changeSource(id, { paused: true, pausedReason }),
    setSourcePausedUntil: (id, pausedUntil) => changeSource(id, { pausedUntil }),
  }
}

/** Runs the script where the pool would run a sync actor: same port, same messages, same promise. */
function scriptedPool(
  script: Script,
  jobs: Harness['jobs'],
  most: { inFlight: number },
  life: Life,
): ActorPool {
  let inFlight = 0
  const run = async (task: PoolTask<MessagePort>, alone: boolean): Promise<unknown> => {
    if (task.kind !== 'sync-range') return { ok: true, steps: [] }
    jobs.push({ job: task.job, alone })
    inFlight += 1
    life.ports.add(task.port)
    // What an abandoned engine still begins must not keep the process alive.
    if (life.isOver) task.port.close()
    most.inFlight = Math.max(most.inFlight, inFlight)
    const cancelled = Promise.withResolvers<void>()
    const granted = Promise.withResolvers<void>()
    const channel = openChannel<RangeEvent, RangeCommand>(task.port, {
      'cancel-range': () => cancelled.resolve(),
      'grant-commit-slot': () => granted.resolve(),
      // It asks nothing between what its script does.
      'hold-range': ({ nth }) => channel.send({ kind: 'range-held', nth }),
      'release-range': () => {},
    })
    try {
      await new Promise(setImmediate)
      if (task.job.lane === 'fresh') channel.send({ kind: 'source-asked' })
      await script(task.job, {
        send: channel.send,
        cancelled: cancelled.promise,
        granted: granted.promise,
        die: (reason) => {
          throw new Error(reason)
        },
      })
    } finally {
      inFlight -= 1
      life.ports.delete(task.port)
      channel.close()
    }
    return undefined
  }
  return {
    run: (task) => run(task, false),
    runAlone: (task) => run(task, true),
    broadcast: async () => {},
    started: () => true,
    close: async () => {},
  }
}

async function runEnded(events: EngineEvent[], streamId: string): Promise<string> {
  for (let i = 0; i < 20_000; i++) {
    const last = events.findLast(
      (event) => event.kind === 'run-changed' && event.run.streamId === streamId,
    )
    if (last?.kind === 'run-changed' && last.run.finishedAt !== null) return last.run.status
    await new Promise(setImmediate)
  }
  throw new Error(`no run of ${streamId} ended`)
}
