import type { Connection } from '../../schema/connection.ts'
import type { Destination } from '../../schema/destination.ts'
import type { Failure } from '../../schema/error.ts'
import type { Progress, SchedulerState, ServerEvent } from '../../schema/event.ts'
import type { Range } from '../../schema/range.ts'
import type { Run } from '../../schema/run.ts'
import type { Source } from '../../schema/source.ts'
import type { Stream } from '../../schema/stream.ts'
import { markPace, newPace, type Pace } from '../eta.ts'
import { isActive } from '../state.ts'

/** The failure that a stream shows, and the range that it came from. */
export interface StreamFailure {
  failure: Failure
  range_id: string | null
  at: string | null
}

/** Everything live that the console knows, by id. */
export interface World {
  sources: Record<string, Source>
  destinations: Record<string, Destination>
  connections: Record<string, Connection>
  streams: Record<string, Stream>
  runs: Record<string, Run>
  /** newest run of a stream, by stream */
  lastRun: Record<string, string>
  /** by stream, while a run is active */
  progress: Record<string, Progress>
  pace: Record<string, Pace>
  failures: Record<string, StreamFailure>
  scheduler: SchedulerState | null
}

export const emptyWorld = (): World => ({
  sources: {},
  destinations: {},
  connections: {},
  streams: {},
  runs: {},
  lastRun: {},
  progress: {},
  pace: {},
  failures: {},
  scheduler: null,
})

/** Runs kept in memory; the runs page loads older ones itself. */
export const maxRuns = 500

/** Applies one event in place. Events of unknown things are kept: lists and events may cross. */
export function applyEvent(world: World, event: ServerEvent, now: number): void {
  switch (event.topic) {
    case 'run':
      putRun(world, event.data)
      break
    case 'stream':
      put(world.streams, event.data)
      if (event.data.ranges.failed === 0) delete world.failures[event.data.id]
      break
    case 'progress':
      putProgress(world, event.data, now)
      break
    case 'range':
      noteRange(world, event.data)
      break
    case 'scheduler':
      world.scheduler = event.data
      break
    // Read by those who show them; nothing is kept here.
    case 'activity':
    case 'notification':
    case 'resync':
      break
  }
}

/**
 * Takes a thing's new state over into the object that is shown. The object stays the same one: a row
 * that was made for it is kept with all that is open in it, and only what differs is drawn.
 */
export function put<T extends { id: string }>(things: Record<string, T>, next: T): void {
  const known = things[next.id]
  if (!known) {
    things[next.id] = next
    return
  }
  for (const key of Object.keys(known)) {
    if (!Object.hasOwn(next, key)) delete (known as Record<string, unknown>)[key]
  }
  Object.assign(known, next)
}

/** Takes over a run; an older state of a run that ended never overwrites its end. */
export function putRun(world: World, run: Run): void {
  const known = world.runs[run.id]
  if (known && !isActive(known) && isActive(run)) return
  put(world.runs, run)
  const last = world.runs[world.lastRun[run.stream_id] ?? '']
  if (!last || last.created_at <= run.created_at) world.lastRun[run.stream_id] = run.id
  if (!isActive(run) && world.lastRun[run.stream_id] === run.id) {
    delete world.progress[run.stream_id]
    delete world.pace[run.stream_id]
  }
  dropOldRuns(world)
}

function dropOldRuns(world: World): void {
  const ids = Object.keys(world.runs)
  if (ids.length <= maxRuns) return
  const kept = new Set(Object.values(world.lastRun))
  // Ids sort by creation.
  for (const id of ids.sort().slice(0, ids.length - maxRuns)) {
    if (!kept.has(id)) delete world.runs[id]
  }
}

function putProgress(world: World, progress: Progress, now: number): void {
  const run = world.runs[progress.run_id]
  if (run && !isActive(run)) return
  world.progress[progress.stream_id] = progress
  world.pace[progress.stream_id] = markPace(
    world.pace[progress.stream_id] ?? newPace(),
    progress.ranges_done,
    now,
  )
}

function noteRange(world: World, range: Range): void {
  if (range.error && range.status === 'failed') {
    world.failures[range.stream_id] = {
      failure: range.error,
      range_id: range.id,
      at: range.finished_at,
    }
  } else if (world.failures[range.stream_id]?.range_id === range.id) {
    delete world.failures[range.stream_id]
  }
}

/** The run to show for a stream: the active one, else the newest known. */
export function runOf(world: World, stream: Pick<Stream, 'id' | 'active_run_id'>): Run | undefined {
  const active = stream.active_run_id ? world.runs[stream.active_run_id] : undefined
  if (active && isActive(active)) return active
  return world.runs[world.lastRun[stream.id] ?? '']
}
