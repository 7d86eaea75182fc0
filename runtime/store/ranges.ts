import type Database from 'better-sqlite3'
import type { AttemptProgress } from '../../schema/protocol.ts'
import { type Lane, lanes, type RangeStatus, rangeStatuses } from '../../schema/range.ts'
import { applyChange, type RangeChange, type RangeState } from '../../schema/range-state.ts'
import type { Interval } from '../../schema/tiling.ts'

/** A range as the ledger holds it; times are epoch ms. */
export interface RangeRow extends RangeState {
  id: number
  streamId: string
  records: number
  bytes: number
  pages: number
  rejects: number
  checksum: string | null
  startedAt: number | null
  finishedAt: number | null
}

/** Rows inserted in one transaction at most, so that no statement holds the supervisor for long. */
export const planChunk = 500

interface Raw {
  id: number
  stream_id: string
  kind: number
  start: number
  end: number
  status: number
  lane: number
  due_at: number
  failures: number
  crashes: number
  fence: number
  run_id: string | null
  committed_at: number | null
  committed_fence: number | null
  fetched_from: number | null
  sealed: number
  records: number
  bytes: number
  pages: number
  rejects: number
  checksum: string | null
  error: string | null
  started_at: number | null
  finished_at: number | null
}

const laneNumber = (lane: Lane): number => lanes.indexOf(lane)

function toRow(raw: Raw): RangeRow {
  return {
    id: raw.id,
    streamId: raw.stream_id,
    kind: raw.kind === 1 ? 'full' : 'window',
    start: raw.start,
    end: raw.end,
    status: rangeStatuses[raw.status] as RangeStatus,
    lane: lanes[raw.lane] as Lane,
    dueAt: raw.due_at,
    failures: raw.failures,
    crashes: raw.crashes,
    fence: raw.fence,
    runId: raw.run_id,
    committedAt: raw.committed_at,
    committedFence: raw.committed_fence,
    fetchedFrom: raw.fetched_from,
    sealed: raw.sealed === 1,
    records: raw.records,
    bytes: raw.bytes,
    pages: raw.pages,
    rejects: raw.rejects,
    checksum: raw.checksum,
    error: raw.error === null ? null : JSON.parse(raw.error),
    startedAt: raw.started_at,
    finishedAt: raw.finished_at,
  }
}

export type RangeStore = ReturnType<typeof makeRangeStore>

/** All SQL over ranges. Only transitions of `schema/range-state.ts` are ever written, with the stream's counters. */
export function makeRangeStore(db: Database.Database) {
  const statements = prepare(db)

  const write = (row: RangeRow, previous: RangeStatus): void => {
    statements.save.run({
      ...row,
      status: rangeStatuses.indexOf(row.status),
      lane: laneNumber(row.lane),
      sealed: row.sealed ? 1 : 0,
      error: row.error === null ? null : JSON.stringify(row.error),
    })
    if (previous !== row.status) {
      statements.count[previous].run(-1, row.streamId)
      statements.count[row.status].run(1, row.streamId)
    }
  }

  /** Applies one transition and what goes with it in one transaction; returns the row as it is now. */
  const change = db.transaction(
    (id: number, rangeChange: RangeChange, extra: Partial<RangeRow> = {}): RangeRow => {
      const before = toRow(statements.get.get(id) as Raw)
      const after = { ...before, ...applyChange(before, rangeChange), ...extra }
      write(after, before.status)
      if (after.records !== before.records)
        statements.addRecords.run(after.records - before.records, after.streamId)
      return after
    },
  )

  const insert = db.transaction(
    (streamId: string, tiles: (Interval & { lane: Lane })[]): number => {
      let added = 0
      for (const tile of tiles) {
        added += statements.insert.run(
          streamId,
          tile.start,
          tile.end,
          laneNumber(tile.lane),
        ).changes
      }
      if (added > 0) statements.count.pending.run(added, streamId)
      return added
    },
  )

  /** Moves many rows by one change; rows for which it is not allowed are left out by the query. */
  const changeAll = db.transaction((rows: Raw[], rangeChange: RangeChange): RangeRow[] =>
    rows.map((raw) => change(raw.id, rangeChange)),
  )

  return {
    get: (id: number): RangeRow | undefined => {
      const raw = statements.get.get(id) as Raw | undefined
      return raw && toRow(raw)
    },
    change,
    insert,
    insertFull: db.transaction((streamId: string): number => {
      const added = statements.insertFull.run(streamId).changes
      if (added > 0) statements.count.pending.run(added, streamId)
      return added
    }),
    /** The next pending range by strategy whose lane is not held and that is due; undefined when there is none. */
    next: (
      streamId: string,
      order: 'oldest_first' | 'newest_first',
      heldLanes: number,
      now: number,
    ) => {
      const raw = statements.next[order].get(streamId, heldLanes, now) as Raw | undefined
      return raw && toRow(raw)
    },
    /** Earliest time at which a pending or failed range may go on; null when only `never` or nothing is left. */
    nextDue: (streamId: string): number | null =>
      statements.nextDue.pluck().get(streamId) as number | null,
    page: (streamId: string, options: RangeFilter): RangeRow[] =>
      listRanges(db, streamId, options).map(toRow),
    calendar: (streamId: string): RangeRow[] => (statements.all.all(streamId) as Raw[]).map(toRow),
    /** Ranges whose interval meets [from, to), in one of the states. */
    overlapping: (streamId: string, from: number | null, to: number | null): RangeRow[] =>
      (statements.overlapping.all(streamId, to ?? Number.MAX_SAFE_INTEGER, from ?? 0) as Raw[]).map(
        toRow,
      ),
    /** complete → pending for ranges that are not final yet. */
    reopenOpen: (streamId: string, now: number): RangeRow[] =>
      changeAll(statements.open.all(streamId, now) as Raw[], { kind: 'reopen', lane: 'fresh' }),
    sealedSince: (streamId: string, since: number): RangeRow[] =>
      (statements.sealedSince.all(streamId, since) as Raw[]).map(toRow),
    failed: (streamId: string): RangeRow[] => (statements.failed.all(streamId) as Raw[]).map(toRow),
    /** Streams with failed ranges that are due. */
    streamsWithDueFailures: (now: number): string[] =>
      statements.dueStreams.pluck().all(now) as string[],
    running: (): RangeRow[] => (statements.running.all() as Raw[]).map(toRow),
    saveProgress: (id: number, p: AttemptProgress): void => {
      statements.progress.run(p.pages, p.rejects, id)
    },
    deletePendingBefore: db.transaction((streamId: string, before: number): number => {
      const removed = statements.deletePendingBefore.run(streamId, before).changes
      if (removed > 0) statements.count.pending.run(-removed, streamId)
      return removed
    }),
    deleteAll: db.transaction((streamId: string): void => {
      statements.deleteAll.run(streamId)
      statements.zeroCounts.run(streamId)
    }),
  }
}

export interface RangeFilter {
  statuses?: RangeStatus[]
  runId?: string
  /** keyset: start and id of the last row of the page before */
  after?: { start: number; id: number }
  limit: number
}

function listRanges(db: Database.Database, streamId: string, filter: RangeFilter): Raw[] {
  const where = ['stream_id = ?']
  const values: unknown[] = [streamId]
  if (filter.statuses?.length) {
    where.push(
      `status in (${filter.statuses.map((status) => rangeStatuses.indexOf(status)).join(', ')})`,
    )
  }
  if (filter.runId !== undefined) {
    where.push('run_id = ?')
    values.push(filter.runId)
  }
  if (filter.after) {
    where.push('(start, id) < (?, ?)')
    values.push(filter.after.start, filter.after.id)
  }
  values.push(filter.limit)
  return db
    .prepare(
      `select * from ranges where ${where.join(' and ')} order by start desc, id desc limit ?`,
    )
    .all(...values) as Raw[]
}

function prepare(db: Database.Database) {
  const count = (column: string) =>
    db.prepare(`update streams set ${column} = ${column} + ? where id = ?`)
  // Bit k of the second parameter holds lane k. The literal states let the partial indexes serve these.
  const next = (order: string, index: string) =>
    db.prepare(
      `select * from ranges indexed by ${index} where stream_id = ? and status = 0
       and ((1 << lane) & ?) = 0 and due_at <= ? order by ${order} limit 1`,
    )
  return {
    get: db.prepare('select * from ranges where id = ?'),
    save: db.prepare(
      `update ranges set status = @status, lane = @lane, due_at = @dueAt, failures = @failures, crashes = @crashes,
       fence = @fence, run_id = @runId, committed_at = @committedAt, committed_fence = @committedFence,
       fetched_from = @fetchedFrom, sealed = @sealed, records = @records, bytes = @bytes, pages = @pages,
       rejects = @rejects, checksum = @checksum, error = @error, started_at = @startedAt, finished_at = @finishedAt
       where id = @id`,
    ),
    count: {
      pending: count('count_pending'),
      running: count('count_running'),
      complete: count('count_complete'),
      failed: count('count_failed'),
    },
    addRecords: db.prepare('update streams set records = records + ? where id = ?'),
    insert: db.prepare(
      `insert into ranges (stream_id, kind, start, "end", status, lane) values (?, 0, ?, ?, 0, ?)
       on conflict do nothing`,
    ),
    insertFull: db.prepare(
      `insert into ranges (stream_id, kind, start, "end", status, lane) values (?, 1, 0, 0, 0, 0)
       on conflict do nothing`,
    ),
    next: {
      oldest_first: next('start', 'ranges_pending'),
      newest_first: next('lane, start desc', 'ranges_pending_by_lane'),
    },
    nextDue: db.prepare(
      `select min(due_at) from (
         select due_at from ranges where stream_id = ?1 and status = 0
         union all select due_at from ranges where stream_id = ?1 and status = 3) where due_at < 9007199254740991`,
    ),
    all: db.prepare('select * from ranges where stream_id = ? order by start'),
    overlapping: db.prepare(
      `select * from ranges where stream_id = ? and (kind = 1 or (start < ? and "end" > ?)) order by start`,
    ),
    open: db.prepare(
      `select * from ranges where stream_id = ? and status = 2 and (sealed = 0 or kind = 1) and start <= ?`,
    ),
    sealedSince: db.prepare(
      `select * from ranges where stream_id = ? and status = 2 and sealed = 1 and kind = 0 and "end" > ?`,
    ),
    failed: db.prepare('select * from ranges where stream_id = ? and status = 3 order by due_at'),
    dueStreams: db.prepare(
      'select distinct stream_id from ranges where status = 3 and due_at <= ?',
    ),
    running: db.prepare('select * from ranges where status = 1'),
    progress: db.prepare('update ranges set pages = ?, rejects = ? where id = ? and status = 1'),
    deletePendingBefore: db.prepare(
      'delete from ranges where stream_id = ? and status = 0 and committed_at is null and "end" <= ? and kind = 0',
    ),
    deleteAll: db.prepare('delete from ranges where stream_id = ?'),
    zeroCounts: db.prepare(
      `update streams set count_pending = 0, count_running = 0, count_complete = 0, count_failed = 0, records = 0,
       frontier_from = null, frontier_to = null where id = ?`,
    ),
  }
}
