import type { Failure } from '../../schema/error.ts'
import type { Progress } from '../../schema/event.ts'
import type { NotificationKind } from '../../schema/notification.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { RunRow } from '../store/runs.ts'

/** What the engine tells whoever shows it: rows as they are now, never resources. */
export type EngineEvent =
  | { kind: 'run-changed'; workspaceId: string; run: RunRow }
  | { kind: 'range-changed'; workspaceId: string; range: RangeRow }
  | { kind: 'stream-changed'; workspaceId: string; streamId: string }
  | { kind: 'source-changed'; workspaceId: string; sourceId: string }
  | { kind: 'progress'; workspaceId: string; progress: Progress }
  | { kind: 'scheduler-changed' }
  | { kind: 'happened'; activity: ActivityEntry }
  | { kind: 'notify'; notification: NotificationEntry }

/** One line of the activity log. */
export interface ActivityEntry {
  workspaceId: string
  level: 'info' | 'warn' | 'error'
  kind: string
  message: string
  streamId?: string
  runId?: string
  rangeId?: number
  data?: Record<string, unknown>
}

export interface NotificationEntry {
  workspaceId: string
  kind: NotificationKind
  /** the same key counts up instead of adding a second notification */
  dedupKey: string
  title: string
  detail: Record<string, unknown>
  streamId?: string
}

/** A failure in one line, for logs and notifications. */
export const failureText = (failure: Failure): string =>
  failure.remedy ? `${failure.message} (${failure.remedy})` : failure.message
