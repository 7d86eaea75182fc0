import type { ServerEvent } from '../schema/event.ts'
import {
  presentActivity,
  presentNotification,
  presentRange,
  presentRun,
  presentStream,
} from './api/present.ts'
import type { ConnectorRegistry } from './connectors.ts'
import type { Engine } from './engine/engine.ts'
import type { EngineEvent } from './engine/engine-events.ts'
import type { Logger } from './log.ts'
import type { Stores } from './store/stores.ts'

export interface EventSinkParts {
  stores: Stores
  engine: () => Engine
  publish: (workspaceId: string | null, event: ServerEvent) => void
  connectors: ConnectorRegistry
  log: Logger
  now: () => number
  newId: (prefix: 'ntf') => string
}

/** Shows what the engine does: stores activity and notifications, logs, and tells who listens. */
export function makeEventSink(parts: EventSinkParts): (event: EngineEvent) => void {
  const { stores, publish, log, now } = parts
  return (event) => {
    switch (event.kind) {
      case 'run-changed':
        return publish(event.workspaceId, {
          topic: 'run',
          data: presentRun(event.run, parts.engine()),
        })
      case 'range-changed':
        return publish(event.workspaceId, { topic: 'range', data: presentRange(event.range) })
      case 'stream-changed': {
        const row = stores.streams.find(event.streamId)
        if (!row) return
        const data = presentStream(row, { stores, connectors: parts.connectors })
        return publish(event.workspaceId, { topic: 'stream', data })
      }
      case 'source-changed':
        return
      case 'progress':
        return publish(event.workspaceId, { topic: 'progress', data: event.progress })
      case 'scheduler-changed':
        return publish(null, { topic: 'scheduler', data: parts.engine().schedulerState() })
      case 'happened': {
        const row = stores.activity.add({ at: now(), ...event.activity })
        log[event.activity.level](
          { kind: event.activity.kind, run: event.activity.runId },
          event.activity.message,
        )
        return publish(event.activity.workspaceId, {
          topic: 'activity',
          data: presentActivity(row),
        })
      }
      case 'notify': {
        const { streamId = null, ...rest } = event.notification
        const row = stores.notifications.add({ id: parts.newId('ntf'), streamId, ...rest }, now())
        return publish(rest.workspaceId, { topic: 'notification', data: presentNotification(row) })
      }
    }
  }
}
