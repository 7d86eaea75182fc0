import type { ActivityStore } from './store/activity.ts'
import type { IdempotencyStore } from './store/idempotency.ts'
import type { NotificationStore } from './store/notifications.ts'
import type { RunStore } from './store/runs.ts'
import type { SessionStore } from './store/sessions.ts'

/** The activity log keeps this many lines and this long; the oldest go first. */
const activityKept = 200_000
const activityKeptMs = 90 * 86_400_000
/** Runs are kept as long as what the log says of them, unless there are very many. */
const runsKept = 1_000_000
/** Rows deleted at a tick, so that no statement holds the supervisor for long. */
const chunk = 500
const readNotificationsKeptMs = 30 * 86_400_000
const hourMs = 3_600_000

interface Stores {
  activity: ActivityStore
  runs: RunStore
  sessions: SessionStore
  notifications: NotificationStore
  idempotency: IdempotencyStore
}

/** Keeps what only grows within bounds; the returned duty is called at each tick. */
export function makeMaintenance(stores: Stores, now: () => number): () => void {
  let hourly = 0
  return () => {
    stores.activity.prune(now() - activityKeptMs, activityKept, chunk)
    stores.runs.prune(now() - activityKeptMs, runsKept, chunk)
    if (now() - hourly < hourMs) return
    hourly = now()
    stores.sessions.sweep(now())
    stores.notifications.prune(now() - readNotificationsKeptMs)
    stores.idempotency.sweep(now())
  }
}
