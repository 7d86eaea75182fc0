import type Sqlite from 'better-sqlite3'
import { makeActivityStore } from './activity.ts'
import { makeApiKeyStore } from './api-keys.ts'
import { makeAttemptStore } from './attempts.ts'
import { makeConnectionStore } from './connections.ts'
import { makeDestinationStore } from './destinations.ts'
import { makeIdempotencyStore } from './idempotency.ts'
import { makeNotificationStore } from './notifications.ts'
import { makeRangeStore } from './ranges.ts'
import { makeRunStore } from './runs.ts'
import { makeSessionStore } from './sessions.ts'
import { makeSettingsStore } from './settings.ts'
import { makeSourceBudgetStore } from './source-budgets.ts'
import { makeSourceStore } from './sources.ts'
import { makeStatsStore } from './stats.ts'
import { makeStreamStampStore } from './stream-stamps.ts'
import { makeStreamStore } from './streams.ts'
import { makeWorkspaceStore } from './workspaces.ts'

export type Stores = ReturnType<typeof makeStores>

/**
 * Every store over one connection: the API's over `full`, the engine's over `normal`. A store prepares its statements
 * when it is first used: all of them together take longer than opening the database.
 */
export function makeStores(db: Sqlite.Database) {
  return atFirstUse({
    activity: () => makeActivityStore(db),
    apiKeys: () => makeApiKeyStore(db),
    attempts: () => makeAttemptStore(db),
    connections: () => makeConnectionStore(db),
    destinations: () => makeDestinationStore(db),
    idempotency: () => makeIdempotencyStore(db),
    notifications: () => makeNotificationStore(db),
    ranges: () => makeRangeStore(db),
    runs: () => makeRunStore(db),
    sessions: () => makeSessionStore(db),
    settings: () => makeSettingsStore(db),
    sourceBudgets: () => makeSourceBudgetStore(db),
    sources: () => makeSourceStore(db),
    stats: () => makeStatsStore(db),
    streamStamps: () => makeStreamStampStore(db),
    streams: () => makeStreamStore(db),
    /** all that `work` writes, or nothing when it throws; not for anything that waits */
    transaction:
      () =>
      (work: () => void): void =>
        db.transaction(work)(),
    workspaces: () => makeWorkspaceStore(db),
  })
}

type Made<M> = { readonly [K in keyof M]: M[K] extends () => infer T ? T : never }

/** An object whose properties are made when they are first read. */
function atFirstUse<M extends Record<string, () => unknown>>(makers: M): Made<M> {
  const made = {}
  for (const [name, make] of Object.entries(makers)) {
    Object.defineProperty(made, name, {
      enumerable: true,
      configurable: true,
      get() {
        const value = make()
        Object.defineProperty(made, name, { value, enumerable: true })
        return value
      },
    })
  }
  return made as Made<M>
}
