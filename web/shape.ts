import type { Role } from '../schema/api-key.ts'
import type { Failure } from '../schema/error.ts'
import type { Activity, Progress, SchedulerState } from '../schema/event.ts'

/** Answers of the API that are no stored entity and so have no schema of their own. */

/** Every list: at most `limit` items, and where the next page starts. */
export interface Listed<T> {
  data: T[]
  next_cursor: string | null
}

export interface Session {
  auth: 'disabled' | 'key' | 'session'
  role: Role
  workspace: { id: string; name: string }
  version: string
  demo: boolean
}

export interface Status {
  scheduler: SchedulerState
  /** of the runs that are active now */
  progress: Progress[]
}

/** One try of a range, newest first in `GET /ranges/{id}/attempts`. */
export interface Attempt {
  fence: number
  run_id: string
  outcome: 'running' | 'complete' | 'recovered' | 'failed' | 'cancelled' | 'interrupted'
  started_at: string
  finished_at: string | null
  records: number
  bytes: number
  pages: number
  requests: number
  error: Failure | null
}

export type LogPage = Listed<Activity>

/** What `POST /streams/{id}/ranges` would move or has moved. */
export interface RangesMoved {
  matched: number
  run_id: string | null
}
