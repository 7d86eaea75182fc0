import type Database from 'better-sqlite3'
import { type Lane, lanes, type RangeStatus, rangeStatuses } from '../../schema/range.ts'
import { applyChange, never, type RangeChange, type RangeState } from '../../schema/range-state.ts'
import type { SyncStrategy } from '../../schema/stream.ts'
import type { Interval } from '../../schema/tiling.ts'
import {
  laneNumber,
  longestRangeMs,
  prepareRangeStatements,
  type RangeRow,
  type RawRange,
  toRangeRow,
} from './range-rows.ts'

export type { RangeRow } from './range-rows.ts'

/** Rows inserted in one transaction at most, so that no statement holds the supervisor for long. */
export const planChunk = 500

export type RangeStore = ReturnType<typeof makeRangeStore>

/** All SQL over ranges. Only transitions of `schema/range-state.ts` are ever written, with the stream's counters. */
export function makeRangeStore(db: Database.Database) {
  const statements = prepareRangeStatements(db)
  const queries = makeQueries(db, statements)
  return {
    ...queries,
    ...makeChanges(db, statements, queries),
    ...makeDeletions(db, statements),
  }
}

const freeLanes = (heldLanes: number): number[] =>
  lanes.map((_, lane) => lane).filter((lane) => ((1 << lane) & heldLanes) === 0)

/** Newest first, what the freshest lane has; oldest first, the oldest of all lanes. */
function firstOf(
  order: SyncStrategy,
  numbers: number[],
  seek: (lane: number) => unknown,
): RangeRow | undefined {
  let first: RawRange | undefined
  for (const lane of numbers) {
    const raw = seek(lane) as RawRange | undefined
    if (raw && (!first || raw.start < first.start)) first = raw
    if (first && order === 'newest_first') break
  }
  return first && toRangeRow(first)
}

type Statements = ReturnType<typeof prepareRangeStatements>
type Queries = ReturnType<typeof makeQueries>

function makeQueries(db: Database.Database, statements: Statements) {
  const rows = (raws: unknown[]): RangeRow[] => (raws as RawRange[]).map(toRangeRow)
  return {
    get: (id: number): RangeRow | undefined => {
      const raw = statements.get.get(id) as RawRange | undefined
      return raw && toRangeRow(raw)
    },
    /**
     * The next pending range by strategy whose lane is not held and that is due; undefined when there is none. Fresher
     * lanes come first where the order is ours to choose.
     * @param heldLanes bit k holds lane k
     */
    next: (
      streamId: string,
      order: SyncStrategy,
      heldLanes: number,
      now: number,
    ): RangeRow | undefined =>
      firstOf(order, freeLanes(heldLanes), (lane) =>
        statements.next[order].get(streamId, lane, now),
      ),
    /** The next pending range whose interval meets [from, to), whatever its lane; fresher lanes as above. */
    nextWithin: (
      streamId: string,
      order: SyncStrategy,
      { from, to }: { from: number; to: number },
      now: number,
    ): RangeRow | undefined =>
      firstOf(order, freeLanes(0), (lane) =>
        statements.nextWithin[order].get(streamId, lane, from - longestRangeMs, to, from, now),
      ),
    /** Pending ranges whose interval meets [from, to). */
    countPendingWithin: (streamId: string, { from, to }: { from: number; to: number }): number =>
      freeLanes(0)
        .map((lane) =>
          statements.countPendingWithin
            .pluck()
            .get(streamId, lane, from - longestRangeMs, to, from),
        )
        .reduce((sum: number, count) => sum + (count as number), 0),
    /** Pending ranges in lanes that are not held. */
    countPending: (streamId: string, heldLanes: number): number =>
      freeLanes(heldLanes)
        .map((lane) => statements.countPending.pluck().get(streamId, lane) as number)
        .reduce((sum, count) => sum + count, 0),
    page: (streamId: string, filter: RangeFilter): RangeRow[] =>
      rows(listRanges(db, streamId, filter)),
    /** All ranges of a stream, oldest first. */
    all: (streamId: string): RangeRow[] => rows(statements.all.all(streamId)),
    /**
     * Ranges whose interval meets [from, to), oldest first, at most `limit`: the next ones begin where the last one ends.
     * A stream's full read is not among them.
     */
    overlapping: (streamId: string, from: number, to: number, limit = planChunk): RangeRow[] =>
      rows(statements.overlapping.all(streamId, from - longestRangeMs, to, from, limit)),
    /** The range of a stream that is read whole. */
    full: (streamId: string): RangeRow | undefined => rows(statements.full.all(streamId))[0],
    /** Complete ranges that are not final yet and end after `start`. */
    open: (streamId: string, start: number, now: number): RangeRow[] =>
      rows(statements.openWindows.all(streamId, start, now)),
    /** Final ranges that end after this time. */
    sealedSince: (streamId: string, since: number): RangeRow[] =>
      rows(statements.sealedSince.all(streamId, since - longestRangeMs, since)),
    /** All failed ranges, those that are due first come first. */
    failed: (streamId: string): RangeRow[] => rows(statements.failed.all(streamId)),
    failedDue: (streamId: string, now: number, limit: number): RangeRow[] =>
      rows(statements.failedDue.all(streamId, now, limit)),
    /** When the next failed range comes due by itself; null when none ever does. */
    nextFailedDue: (streamId: string): number | null =>
      statements.nextFailedDue.pluck().get(streamId, never) as number | null,
    /** The failed range that waits longest, for its reason. */
    lastFailed: (streamId: string): RangeRow | undefined =>
      rows(statements.lastFailed.all(streamId))[0],
    /** Streams with failed ranges that are due. */
    streamsWithDueFailures: (now: number): string[] =>
      statements.dueStreams.pluck().all(now) as string[],
    running: (): RangeRow[] => rows(statements.running.all()),
  }
}

function makeChange(db: Database.Database, statements: Statements, queries: Queries) {
  const apply = (
    id: number,
    changes: RangeChange | readonly RangeChange[],
    extra: Partial<RangeRow> = {},
  ): RangeRow => {
    const before = queries.get(id)
    if (!before) throw new Error(`range ${id} is gone`)
    let state: RangeState = before
    for (const one of [changes].flat()) state = applyChange(state, one)
    const after: RangeRow = { ...before, ...state, ...extra }
    statements.save.run({
      ...after,
      kind: undefined,
      status: rangeStatuses.indexOf(after.status),
      lane: laneNumber(after.lane),
      sealed: after.sealed ? 1 : 0,
      force: after.force ? 1 : 0,
      error: after.error === null ? null : JSON.stringify(after.error),
    })
    if (before.status !== after.status) {
      statements.count[before.status].run(-1, after.streamId)
      statements.count[after.status].run(1, after.streamId)
    }
    const added = after.records - before.records
    if (added !== 0) statements.addRecords.run(added, after.streamId)
    return after
  }
  const alone = db.transaction(apply)
  const change: typeof apply = (...args) => (db.inTransaction ? apply(...args) : alone(...args))
  return change
}

function makeChanges(db: Database.Database, statements: Statements, queries: Queries) {
  const change = makeChange(db, statements, queries)
  const together = db.transaction((work: () => void) => work())
  const pending = (added: number, streamId: string): number => {
    if (added !== 0) statements.count.pending.run(added, streamId)
    return added
  }
  return {
    /**
     * Applies transitions, one after the other, and what goes with them: all or nothing. An illegal one has written nothing, so
     * `together` may go on after it. Returns the row as it is now.
     */
    change,
    /** Does all that `work` writes to the ledger in one transaction, or nothing of it when it throws. */
    together: (work: () => void): void => {
      if (db.inTransaction) work()
      else together(work)
    },
    /** New pending ranges; those that exist are left alone. Returns how many were added. */
    insert: db.transaction((streamId: string, tiles: (Interval & { lane: Lane })[]): number => {
      let added = 0
      for (const tile of tiles) {
        added += statements.insert.run(
          streamId,
          tile.start,
          tile.end,
          laneNumber(tile.lane),
        ).changes
      }
      return pending(added, streamId)
    }),
    insertFull: db.transaction((streamId: string): number =>
      pending(statements.insertFull.run(streamId).changes, streamId),
    ),
    /** complete → pending for ranges that are not final yet. */
    reopenOpen: db.transaction((streamId: string, start: number, now: number): RangeRow[] =>
      queries
        .open(streamId, start, now)
        .map((row) => change(row.id, { kind: 'reopen', lane: 'fresh' })),
    ),
    /** Pending and failed ranges go first, the latter with new tries; returns those as they are now. */
    bringForward: db.transaction((found: RangeRow[]): RangeRow[] =>
      found.flatMap((row) => {
        if (row.status === 'failed') change(row.id, { kind: 'retry', resetFailures: true })
        return (statements.bringForward.all(row.id) as RawRange[]).map(toRangeRow)
      }),
    ),
    /** failed → pending with new tries, at most `limit` of those whose last attempt has this fence or a lower one. */
    retryFailed: db.transaction((streamId: string, upTo: number, limit: number): RangeRow[] =>
      (statements.failedUpTo.all(streamId, upTo, limit) as { id: number }[]).map(({ id }) =>
        change(id, { kind: 'retry', resetFailures: true }),
      ),
    ),
  }
}

function makeDeletions(db: Database.Database, statements: Statements) {
  const forget = (streamId: string, found: Forgotten[]): number => {
    for (const { id, status, records } of found) {
      for (const statement of statements.forget) statement.run(id)
      statements.count[rangeStatuses[status] as RangeStatus].run(-1, streamId)
      if (records !== 0) statements.addRecords.run(-records, streamId)
    }
    return found.length
  }
  const remake = db.prepare(
    `insert into ranges (stream_id, kind, start, "end", status, lane) values (?, 0, ?, ?, 0, ?)
     on conflict do update set lane = excluded.lane returning *`,
  )
  return {
    /** Pending ranges of the same bounds instead of these, which nothing is known of any more. */
    beginAnew: db.transaction((found: RangeRow[]): RangeRow[] =>
      found.flatMap(({ id, streamId, start, end }) => {
        const now = statements.get.get(id) as Forgotten | undefined
        if (!now) return []
        forget(streamId, [now])
        statements.count.pending.run(1, streamId)
        return (remake.all(streamId, start, end, laneNumber('history')) as RawRange[]).map(
          toRangeRow,
        )
      }),
    ),
    /**
     * The start date moved later: forgets what was never read before it, at most `limit` ranges; returns how many. What
     * somebody asked for by a window stays.
     */
    forgetUnreadBefore: db.transaction((streamId: string, before: number, limit: number): number =>
      forget(streamId, statements.unreadBefore.all({ streamId, before, limit }) as Forgotten[]),
    ),
    /**
     * Forgets at most `limit` ranges with their attempts; returns how many. The frontier goes first: whatever interrupts
     * the deletion, the next plan makes the missing ranges again.
     */
    forgetSome: db.transaction((streamId: string, limit: number): number => {
      statements.forgetFrontier.run(streamId)
      return forget(streamId, statements.some.all(streamId, limit) as Forgotten[])
    }),
  }
}

interface Forgotten {
  id: number
  status: number
  records: number
}

export interface RangeFilter {
  statuses?: RangeStatus[]
  runId?: string
  /** keyset: start and id of the last row of the page before */
  after?: { start: number; id: number }
  limit: number
}

function listRanges(db: Database.Database, streamId: string, filter: RangeFilter): RawRange[] {
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
    .all(...values) as RawRange[]
}
