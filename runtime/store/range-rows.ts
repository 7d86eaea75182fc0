import type Database from 'better-sqlite3'
import { type Lane, lanes, type RangeStatus, rangeStatuses } from '../../schema/range.ts'
import type { RangeState } from '../../schema/range-state.ts'

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

/** A row as SQLite gives it. */
export interface RawRange {
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
  unchanged: number
  force: number
  error: string | null
  started_at: number | null
  finished_at: number | null
}

/** A day of 25 hours, or one that bridges a change of zone: no range is longer than this. */
export const longestRangeMs = 2 * 86_400_000

export const laneNumber = (lane: Lane): number => lanes.indexOf(lane)

export function toRangeRow(raw: RawRange): RangeRow {
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
    unchanged: raw.unchanged,
    force: raw.force === 1,
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

/** Prepared once a database; what they mean is said where they are used. */
export function prepareRangeStatements(db: Database.Database) {
  const count = (column: string) =>
    db.prepare(`update streams set ${column} = ${column} + ? where id = ?`)
  return {
    get: db.prepare('select * from ranges where id = ?'),
    save: db.prepare(
      `update ranges set status = @status, lane = @lane, due_at = @dueAt, failures = @failures, crashes = @crashes,
       fence = @fence, run_id = @runId, committed_at = @committedAt, committed_fence = @committedFence,
       fetched_from = @fetchedFrom, sealed = @sealed, unchanged = @unchanged, force = @force, records = @records, bytes = @bytes, pages = @pages,
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
    ...preparePicks(db),
    bringForward: db.prepare(
      `update ranges set lane = 0, due_at = 0 where status = 0 and id = ? returning *`,
    ),
    countPending: db.prepare(
      'select count(*) from ranges where stream_id = ? and status = 0 and lane = ?',
    ),
    all: db.prepare('select * from ranges where stream_id = ? order by start'),
    overlapping: db.prepare(
      `select * from ranges where stream_id = ? and kind = 0 and start >= ? and start < ? and "end" > ?
       order by start limit ?`,
    ),
    full: db.prepare('select * from ranges where stream_id = ? and start = 0 and kind = 1'),
    openWindows: db.prepare(
      `select * from ranges indexed by ranges_open where stream_id = ? and status = 2 and sealed = 0
       and "end" > ? and start <= ?`,
    ),
    sealedSince: db.prepare(
      `select * from ranges where stream_id = ? and start >= ? and kind = 0 and status = 2 and sealed = 1
       and "end" > ?`,
    ),
    failed: db.prepare('select * from ranges where stream_id = ? and status = 3 order by due_at'),
    failedDue: db.prepare(
      'select * from ranges where stream_id = ? and status = 3 and due_at <= ? order by due_at limit ?',
    ),
    failedUpTo: db.prepare(
      'select id from ranges where stream_id = ? and status = 3 and fence <= ? limit ?',
    ),
    nextFailedDue: db.prepare(
      'select min(due_at) from ranges where stream_id = ? and status = 3 and due_at < ?',
    ),
    lastFailed: db.prepare(
      'select * from ranges where stream_id = ? and status = 3 order by due_at desc limit 1',
    ),
    // Stream by stream: those that wait for a person may be very many.
    dueStreams: db.prepare(
      `select id from streams where count_failed > 0 and exists
         (select 1 from ranges where stream_id = streams.id and status = 3 and due_at <= ?)`,
    ),
    running: db.prepare('select * from ranges where status = 1'),
    ...prepareDeletions(db),
  }
}

function preparePicks(db: Database.Database) {
  // One lane at a time, so that a seek finds it. The literal states let the partial indexes serve these. SQLite looks at the
  // values of bare parameters to plan, and plans anew with each other one, which costs seven times the seek.
  const next = (order: string) =>
    db.prepare(
      `select * from ranges indexed by ranges_pending_by_lane where stream_id = ? || '' and status = 0
       and lane = ? + 0 and due_at <= ? + 0 order by ${order} limit 1`,
    )
  const nextWithin = (order: string) =>
    db.prepare(
      `select * from ranges indexed by ranges_pending_by_lane where stream_id = ? || '' and status = 0
       and lane = ? + 0 and start >= ? + 0 and start < ? + 0 and "end" > ? + 0 and kind = 0
       and due_at <= ? + 0 order by ${order} limit 1`,
    )
  return {
    next: {
      oldest_first: next('start'),
      newest_first: next('start desc'),
    },
    nextWithin: {
      oldest_first: nextWithin('start'),
      newest_first: nextWithin('start desc'),
    },
    countPendingWithin: db.prepare(
      `select count(*) from ranges indexed by ranges_pending_by_lane where stream_id = ? || '' and status = 0
       and lane = ? + 0 and start >= ? + 0 and start < ? + 0 and "end" > ? + 0 and kind = 0`,
    ),
  }
}

function prepareDeletions(db: Database.Database) {
  return {
    unreadBefore: db.prepare(
      `select id, status, records from ranges where stream_id = @streamId and status = 0 and start < @before
         and "end" <= @before and kind = 0 and lane <> 0 and committed_at is null
       union all
       select id, status, records from ranges where stream_id = @streamId and status = 3
         and "end" <= @before and kind = 0 and lane <> 0 and committed_at is null
       limit @limit`,
    ),
    some: db.prepare('select id, status, records from ranges where stream_id = ? limit ?'),
    forget: [
      'delete from attempts where range_id = ?',
      'delete from rejects where range_id = ?',
      'delete from ranges where id = ?',
    ].map((sql) => db.prepare(sql)),
    forgetFrontier: db.prepare(
      'update streams set frontier_from = null, frontier_to = null where id = ?',
    ),
  }
}
