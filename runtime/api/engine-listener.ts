import type { EngineEvent } from '../engine/engine-events.ts'
import type { StreamRow } from '../store/streams.ts'
import type { ApiDeps } from './deps.ts'
import {
  presentActivity,
  presentNotification,
  presentRange,
  presentRun,
  presentStream,
} from './present.ts'

/** The permits change with every range; people can't read faster than this. */
const schedulerEveryMs = 250

type ListenerDeps = Pick<ApiDeps, 'stores' | 'connectors' | 'hub' | 'now' | 'newId'> & {
  /** late, because the engine is made with this listener */
  engine: () => ApiDeps['engine']
}

/**
 * Hears what the engine does: keeps the log and the notifications, and passes everything on to live clients.
 * `stores` are those over the ledger's connection, as the engine may be within a transaction of it.
 */
export function makeEngineListener(deps: ListenerDeps): (event: EngineEvent) => void {
  const { stores, hub } = deps
  let schedulerTimer: NodeJS.Timeout | undefined
  const schedulerChanged = (): void => {
    if (schedulerTimer) return
    schedulerTimer = setTimeout(() => {
      schedulerTimer = undefined
      hub.publish(null, { topic: 'scheduler', data: deps.engine().schedulerState() })
    }, schedulerEveryMs)
    schedulerTimer.unref()
  }
  const streamChanged = (row: StreamRow | undefined): void => {
    if (row) hub.publish(row.workspaceId, { topic: 'stream', data: presentStream(row, deps) })
  }
  return (event) => {
    switch (event.kind) {
      case 'run-changed':
        return hub.publishLate(event.workspaceId, {
          topic: 'run',
          id: event.run.id,
          make: () => ({ topic: 'run', data: presentRun(event.run, deps.engine()) }),
        })
      case 'range-changed':
        return hub.publishLate(event.workspaceId, {
          topic: 'range',
          id: String(event.range.id),
          make: () => ({ topic: 'range', data: presentRange(event.range) }),
        })
      case 'stream-changed':
        return streamChanged(stores.streams.find(event.streamId))
      case 'source-changed':
        for (const id of stores.streams.idsOfSource(event.sourceId)) {
          streamChanged(stores.streams.find(id))
        }
        return
      case 'progress':
        return hub.publish(event.workspaceId, { topic: 'progress', data: event.progress })
      case 'scheduler-changed':
        return schedulerChanged()
      case 'happened': {
        const row = stores.activity.add({ ...event.activity, at: deps.now() })
        return hub.publish(row.workspaceId, { topic: 'activity', data: presentActivity(row) })
      }
      case 'notify': {
        const { streamId = null, ...entry } = event.notification
        const row = stores.notifications.add(
          { ...entry, streamId, id: deps.newId('ntf') },
          deps.now(),
        )
        return hub.publish(row.workspaceId, {
          topic: 'notification',
          data: presentNotification(row),
        })
      }
    }
  }
}
