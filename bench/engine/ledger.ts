/** A ledger of a million ranges: what picking, ticking and recovering cost the supervisor. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import Sqlite from 'better-sqlite3'
import { recover } from '../../runtime/engine/recovery.ts'
import { Scheduler } from '../../runtime/engine/scheduler.ts'
import {
  day,
  insertStream,
  makeHarness,
  noon,
  openDatabase,
  succeed,
} from '../../test/runtime/engine/harness.ts'

export interface LedgerFigures {
  ranges: number
  pickNextUs: number
  loopDelayP999Ms: number
  /** of the same process while it does nothing: what the machine itself adds */
  idleDelayP999Ms: number
  /** the longest turns of the event loop in processor time, which neighbours on the machine lengthen less; longest first */
  busiestTurnsMs: number[]
  runs: number
  recoveryMs: number
}

const streams = 500
const pendingOfEach = 4
const runningOfAll = 64

/** @param rangesOfEach of each of 500 scheduled streams; the last ones are pending */
export async function measureLedger(rangesOfEach: number): Promise<LedgerFigures> {
  const contexts = Array.from({ length: streams }, (_, i) => ({
    streamId: `str_${i}`,
    schedule: '* * * * *',
    lastScheduledAt: noon - 600_000,
    start: noon - rangesOfEach * day,
    source: {
      id: `src_${i % 50}`,
      name: 'shop',
      zone: 'UTC',
      paused: false,
      pausedReason: null,
      pausedUntil: null,
      maxInFlight: 8,
    },
  }))
  const db = openDatabase()
  for (const { streamId } of contexts) insertStream(db, { streamId } as never)
  fill(db, rangesOfEach)
  const recoveryMs = recoveryOf(contexts, db)
  const h = makeHarness(succeed, contexts, db)
  h.clock.now = noon
  // The events of a bench are heard by nobody.
  h.deps.emit = () => {}
  h.engine.settingsChanged({ max_concurrent_syncs: 16, max_concurrent_syncs_per_source: 2 })
  const pickNextUs = pickNext(h.deps.ranges)
  const idleDelayP999Ms = await idleDelay()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const scheduler = new Scheduler(h.deps, h.engine, { before: [] }, () => {})
  delay.enable()
  const busy = watchBusy()
  await scheduler.tick()
  while (h.engine.progress().length > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  delay.disable()
  const turns = busy()
  return {
    ranges: streams * rangesOfEach,
    pickNextUs,
    loopDelayP999Ms: delay.percentile(99.9) / 1e6,
    idleDelayP999Ms,
    busiestTurnsMs: turns.slice(0, 5),
    runs: streams,
    recoveryMs,
  }
}

/** @returns ends it; ms of processor time between two ticks of a timer, most first */
function watchBusy(): () => number[] {
  const turns: number[] = []
  let last = process.threadCpuUsage()
  const timer = setInterval(() => {
    const now = process.threadCpuUsage()
    turns.push((now.user + now.system - last.user - last.system) / 1_000)
    last = now
  }, 1)
  return () => {
    clearInterval(timer)
    return turns.sort((a, b) => b - a)
  }
}

async function idleDelay(): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  delay.disable()
  return delay.percentile(99.9) / 1e6
}

function fill(db: Sqlite.Database, rangesOfEach: number): void {
  const first = Math.floor(noon / day) * day - (rangesOfEach - 1) * day
  const insert = db.prepare(
    `insert into ranges (stream_id, kind, start, "end", status, lane, committed_at, committed_fence, fetched_from, sealed)
     values (?, 0, ?, ?, ?, 1, ?, 1, ?, 1)`,
  )
  const counts = db.prepare(
    `update streams set count_pending = ?, count_complete = ?, frontier_from = ?, frontier_to = ? where id = ?`,
  )
  db.transaction(() => {
    for (let i = 0; i < streams; i++) {
      for (let n = 0; n < rangesOfEach; n++) {
        const start = first + n * day
        const isPending = n >= rangesOfEach - pendingOfEach
        const at = isPending ? null : noon
        insert.run(`str_${i}`, start, start + day, isPending ? 0 : 2, at, at)
      }
      const complete = rangesOfEach - pendingOfEach
      counts.run(pendingOfEach, complete, first, first + rangesOfEach * day, `str_${i}`)
    }
  })()
}

/** After a kill with ranges under way, on a copy of the ledger. */
function recoveryOf(contexts: { streamId: string }[], db: Sqlite.Database): number {
  const copy = new Sqlite(db.serialize())
  copy.exec(
    `update ranges set status = 1 where id in (select id from ranges where status = 0 limit ${runningOfAll})`,
  )
  const h = makeHarness(succeed, contexts, copy)
  const begun = performance.now()
  const { ranges } = recover(h.deps)
  if (ranges !== runningOfAll) throw new Error(`${ranges} ranges were recovered`)
  return performance.now() - begun
}

function pickNext(ranges: ReturnType<typeof makeHarness>['deps']['ranges']): number {
  const picks = 20_000
  const begun = performance.now()
  for (let i = 0; i < picks; i++) ranges.next(`str_${i % streams}`, 'newest_first', 0, noon)
  return ((performance.now() - begun) * 1_000) / picks
}
