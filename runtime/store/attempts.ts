import type Database from 'better-sqlite3'
import type { Failure } from '../../schema/error.ts'
import type { AttemptProgress, Reject } from '../../schema/protocol.ts'

export type AttemptOutcome =
  | 'running'
  | 'complete'
  | 'recovered'
  | 'failed'
  | 'cancelled'
  | 'interrupted'

/** One try at one range. */
export interface AttemptRow {
  id: number
  rangeId: number
  runId: string
  fence: number
  outcome: AttemptOutcome
  startedAt: number
  finishedAt: number | null
  records: number
  bytes: number
  pages: number
  requests: number
  dropped: number
  error: Failure | null
}

export interface RejectRow extends Reject {
  id: number
  fence: number
  createdAt: number
}

/** Kept per range; older ones are deleted as new ones come. */
const attemptsKept = 50
const rejectsKept = 200

const columns = `id, range_id as rangeId, run_id as runId, fence, outcome, started_at as startedAt,
  finished_at as finishedAt, records, bytes, pages, requests, dropped, error`

export type AttemptStore = ReturnType<typeof makeAttemptStore>

export function makeAttemptStore(db: Database.Database) {
  const insert = db.prepare(
    `insert into attempts (range_id, run_id, fence, outcome, started_at) values (?, ?, ?, 'running', ?)`,
  )
  const prune = db.prepare(
    `delete from attempts where range_id = @rangeId and id not in
       (select id from attempts where range_id = @rangeId order by id desc limit ${attemptsKept})`,
  )
  const finish = db.prepare(
    `update attempts set outcome = ?, fence = ?, finished_at = ?, records = ?, bytes = ?, pages = ?, requests = ?,
     dropped = ?, error = ? where id = ?`,
  )
  const interrupt = db.prepare(
    `update attempts set outcome = 'interrupted', finished_at = ? where outcome = 'running'`,
  )
  const list = db.prepare(
    `select ${columns} from attempts where range_id = ? order by id desc limit ?`,
  )
  const addReject = db.prepare(
    'insert into rejects (range_id, fence, reason, place, sample, created_at) values (?, ?, ?, ?, ?, ?)',
  )
  const dropRejects = db.prepare('delete from rejects where range_id = ? and fence <> ?')
  const countRejects = db.prepare('select count(*) from rejects where range_id = ?').pluck()
  const rejects = db.prepare(
    `select id, fence, reason, place as "where", sample, created_at as createdAt from rejects
     where range_id = ? order by id limit ?`,
  )
  return {
    start: (rangeId: number, runId: string, fence: number, now: number): number => {
      const id = Number(insert.run(rangeId, runId, fence, now).lastInsertRowid)
      if (id % 16 === 0) prune.run({ rangeId })
      return id
    },
    finish: (
      id: number,
      outcome: AttemptOutcome,
      fence: number,
      now: number,
      p: AttemptProgress,
      error: Failure | null,
    ): void => {
      const text = error === null ? null : JSON.stringify(error)
      finish.run(outcome, fence, now, p.records, p.bytes, p.pages, p.requests, p.dropped, text, id)
    },
    interruptAll: (now: number): number => interrupt.run(now).changes,
    list: (rangeId: number, limit: number): AttemptRow[] =>
      (list.all(rangeId, limit) as (Omit<AttemptRow, 'error'> & { error: string | null })[]).map(
        (raw) => ({
          ...raw,
          error: raw.error === null ? null : JSON.parse(raw.error),
        }),
      ),
    /** Keeps the first rejects of the newest attempt; beyond the bound only their number counts. */
    addRejects: db.transaction(
      (rangeId: number, fence: number, found: Reject[], now: number): void => {
        dropRejects.run(rangeId, fence)
        let room = rejectsKept - (countRejects.get(rangeId) as number)
        for (const reject of found) {
          if (room-- <= 0) break
          addReject.run(rangeId, fence, reject.reason, reject.where, reject.sample, now)
        }
      },
    ),
    rejects: (rangeId: number, limit: number): RejectRow[] =>
      rejects.all(rangeId, limit) as RejectRow[],
  }
}
