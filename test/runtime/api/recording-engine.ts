import { randomBytes } from 'node:crypto'
import type { EventHub } from '../../../runtime/api/events.ts'
import { presentRun } from '../../../runtime/api/present.ts'
import type { Engine } from '../../../runtime/engine/engine.ts'
import type { Stores } from '../../../runtime/store/stores.ts'
import { makeId } from '../../../schema/id.ts'

export interface RecordingEngine extends Engine {
  /** calls in order: name and arguments */
  calls: [string, ...unknown[]][]
}

/** Answers from the real stores; runs begin and end, but nothing is read. */
export function recordingEngine(stores: Stores, hub: EventHub, now: () => number): RecordingEngine {
  const calls: [string, ...unknown[]][] = []
  const record = (...call: [string, ...unknown[]]): void => void calls.push(call)
  const start = (streamId: string, trigger: 'manual' | 'api' = 'api') => {
    const active = stores.runs.active(streamId)
    if (active) return { runId: active.id, joined: true }
    const stream = stores.streams.find(streamId)
    if (!stream) throw new Error(`no stream ${streamId}`)
    const { workspaceId, connectionId } = stream
    const id = makeId('run', now(), randomBytes(10))
    stores.runs.insert({ id, workspaceId, streamId, connectionId, trigger, createdAt: now() })
    return { runId: id, joined: false }
  }
  const engine: RecordingEngine = {
    calls,
    syncStream: (streamId, trigger, window) => {
      record('syncStream', streamId, trigger, window)
      return start(streamId)
    },
    cancelStream: (streamId) => {
      record('cancelStream', streamId)
      const run = stores.runs.active(streamId)
      if (!run) return false
      // As with the real one, the run ends a little later.
      setImmediate(() => {
        const ended = { ...run, status: 'cancelled' as const, finishedAt: now() }
        stores.runs.save(ended)
        hub.publish(run.workspaceId, { topic: 'run', data: presentRun(ended, engine) })
      })
      return true
    },
    cancelRun: (runId) => {
      record('cancelRun', runId)
      const run = stores.runs.get(runId)
      return run?.status === 'queued' && engine.cancelStream(run.streamId)
    },
    actOnRanges: async (streamId, action, window, options) => {
      record('actOnRanges', streamId, action, window, options)
      return { matched: 3, runId: options?.dryRun ? null : start(streamId).runId }
    },
    retryRange: (rangeId) => {
      record('retryRange', rangeId)
      const range = stores.ranges.get(rangeId)
      return start(range?.streamId ?? '')
    },
    resetStream: async (streamId, options) => {
      record('resetStream', streamId, options)
      if (options.clear) stores.ranges.forgetSome(streamId, 1_000)
    },
    endUnwanted: () => record('endUnwanted'),
    streamChanged: (streamId) => record('streamChanged', streamId),
    sourceChanged: (sourceId) => record('sourceChanged', sourceId),
    destinationChanged: (id) => record('destinationChanged', id),
    settingsChanged: (settings) => record('settingsChanged', settings),
    checkSource: async (connector, config) => {
      record('checkSource', connector, config)
      return { ok: true, steps: [] }
    },
    openSignIn: () => null,
    checkDestination: async (type, config) => {
      record('checkDestination', type, config)
      return { ok: true, steps: [] }
    },
    schedulerState: () => ({ global: { limit: 4, in_use: 0 }, queued: 0, last_tick_at: null }),
    progress: () => [],
    waitingFor: () => undefined,
    isCancelling: () => false,
  }
  return engine
}
