import type { MessagePort } from 'node:worker_threads'
import type { ColumnTypes } from '../../schema/column-type.ts'
import type { DestinationType } from '../../schema/destination.ts'
import type { Failure } from '../../schema/error.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import type {
  DeletePolicy,
  Granularity,
  Retry,
  SyncStrategy,
  WriteMode,
} from '../../schema/stream.ts'
import type { AttemptStore } from '../store/attempts.ts'
import type { FenceCounter } from '../store/fence-counter.ts'
import type { RangeStore } from '../store/ranges.ts'
import type { RunStore } from '../store/runs.ts'
import type { CommitSlots } from './commit-slots.ts'
import type { EngineEvent } from './engine-events.ts'
import type { FreshForecast } from './fresh-forecast.ts'
import type { Governors } from './governors.ts'
import type { Permits } from './permits.ts'
import type { Frontier } from './planner.ts'
import type { ActorPool } from './pool.ts'
import type { RunQueue } from './run-queue.ts'
import type { SignIns } from './sign-ins.ts'

/** A stream with all that its sync depends on, as configured at this moment. */
export interface StreamContext {
  streamId: string
  workspaceId: string
  workspaceName: string
  connectionId: string
  connectionName: string
  streamName: string
  /** `connection/stream`, as people call it */
  title: string
  enabled: boolean
  strategy: SyncStrategy
  granularity: Granularity
  schedule: string | null
  scheduleZone: string
  lastScheduledAt: number | null
  settleMs: number
  lookbackMs: number
  /** the look-back ends early, once nothing changes any more */
  untilUnchanged: boolean
  retry: Retry
  parallelRanges: number | 'auto'
  /** a run that takes longer is ended */
  maxRunMs: number | null
  writeMode: WriteMode
  deletes: DeletePolicy
  /** declared by the stream, else by its connector */
  columns: ColumnTypes
  primaryKey: string[]
  /** bit k: lane k waits for a manual trigger */
  heldLanes: number
  frontier: Frontier | null
  /** epoch ms of the first instant to read */
  start: number
  pausedReason: Failure | null
  counts: { pending: number; running: number; complete: number; failed: number }
  source: {
    id: string
    name: string
    zone: string
    paused: boolean
    pausedReason: Failure | null
    /** the API asked to wait until then; survives restarts */
    pausedUntil: number | null
    maxInFlight: number
    /** share of its rate limits that is left to the account's other users; none unless told */
    reserve?: number
  }
  target: { namespace: string; table: string }
  destination: { id: string; type: DestinationType; version: number; commitSlots: number }
  connector: {
    streamName: string
    /** the connector is gone or broken, or has no such stream: what it can do is not known */
    missing?: Failure
    windowed: boolean
    endFilter: boolean
    /** it can be asked for what came since a moment */
    startFilter: boolean
    /** older data does not exist at the source */
    maxAgeMs: number | null
    /** the source's own configuration rules this stream out */
    isOffered: boolean
    cursorField: string | null
    tracks: 'updates' | 'creation' | 'report' | 'none'
  }
}

/** Secrets and manifest, read only when a job is built. */
export interface JobInputs {
  manifest: Manifest
  sourceConfig: Record<string, unknown>
  destinationConfig: Record<string, unknown>
}

/** The configuration that the engine reads, and the few columns of it that it writes. */
export interface Configuration {
  stream(streamId: string): StreamContext | undefined
  /**
   * The same object for as long as nobody changes what the stream depends on, and another one from then on. Throws DerrickError
   * when the connector is gone or broken, or a secret can't be read.
   */
  jobInputs(streamId: string): JobInputs
  scheduledStreams(): string[]
  streamsOfSource(sourceId: string): string[]
  streamsOfDestination(destinationId: string): string[]
  saveFrontier(streamId: string, frontier: Frontier): void
  setHeldLanes(streamId: string, lanes: number): void
  setScheduledAt(streamId: string, at: number): void
  /** with null it goes on */
  pauseStream(streamId: string, reason: Failure | null): void
  pauseSource(sourceId: string, reason: Failure): void
  setSourcePausedUntil(sourceId: string, until: number | null): void
}

/** Everything a run needs; clock and chance come from outside, so that a simulator can drive it. */
export interface EngineDeps {
  now: () => number
  random: () => number
  newId: (prefix: 'run') => string
  /** calls back no earlier than `at`; returns a function that forgets it */
  wakeAt: (at: number, call: () => void) => () => void
  /** calls back again and again; returns a function that ends it */
  every: (ms: number, call: () => void) => () => void
  /** a pair of entangled ports */
  openPorts: () => { port1: MessagePort; port2: MessagePort }
  ranges: RangeStore
  runs: RunStore
  attempts: AttemptStore
  fences: FenceCounter
  config: Configuration
  permits: Permits
  queue: RunQueue
  slots: CommitSlots
  governors: Governors
  forecast: FreshForecast
  /** keeps secrets that change with each use; without it, sources that have such cannot sign in */
  signIns?: SignIns
  pool: ActorPool
  emit: (event: EngineEvent) => void
  spoolDir: string
  /** where full reads that are cut leave their pages */
  resumeDir?: string
  allowPrivateNetworks: boolean
}
