import type { MessagePort } from 'node:worker_threads'
import type { CheckResult, DestinationType } from '../../schema/destination.ts'
import type { Progress, SchedulerState } from '../../schema/event.ts'
import type { RunTrigger } from '../../schema/run.ts'
import type { Settings } from '../../schema/settings.ts'

/** An interval of time asked for by a person; null bounds mean "all that is due". */
export interface AskedWindow {
  from: number | null
  to: number | null
}

/** `clear` takes away what the ranges have at the destination; the others only decide what is read, and when. */
export type RangeAction = 'retry' | 'resync' | 'prioritize' | 'clear'

/**
 * What the API and the command line ask of the engine. Everything here answers at once from the ledger;
 * work goes on in the background and shows in runs, ranges and events.
 * Unknown ids never get here: the API resolves them within the caller's workspace first.
 */
export interface Engine {
  /**
   * Plans what is due and starts or joins the stream's one active run. With a window: plans and reads only that; in a
   * run that has more to do it goes first.
   */
  syncStream(
    streamId: string,
    trigger: RunTrigger,
    window?: AskedWindow,
  ): { runId: string; joined: boolean }
  /** Cancels the active run; its ranges go back to pending. False when nothing runs. */
  cancelStream(streamId: string): boolean
  cancelRun(runId: string): boolean
  /**
   * Moves ranges of a window; with dryRun only counts them. What became pending is read now, for resync and retry nothing
   * else; what was cleared waits for the next sync.
   */
  actOnRanges(
    streamId: string,
    action: RangeAction,
    window: AskedWindow,
    options?: { status?: string; dryRun?: boolean; force?: boolean },
  ): Promise<{ matched: number; runId: string | null }>
  retryRange(rangeId: number): { runId: string }
  /** Opens every range again; `clear` also removes the stream's data at the destination. */
  resetStream(streamId: string, options: { clear: boolean }): Promise<void>
  /** Ends runs whose stream was deleted or disabled, and those that take longer than their stream allows. */
  endUnwanted(): void
  /** Reacts to changed configuration: cancels runs of disabled streams, closes outdated destination actors. */
  streamChanged(streamId: string): void
  sourceChanged(sourceId: string): void
  destinationChanged(destinationId: string): void
  settingsChanged(settings: Settings): void
  /** @param sourceId of a source that is stored already: its sign-in may have to be renewed and stored */
  checkSource(
    connector: string,
    config: Record<string, unknown>,
    sourceId?: string,
  ): Promise<CheckResult>
  /** A line to the keeper of a source's sign-in for a task of somebody else; null where the sign-in needs none. */
  openSignIn(sourceId: string, connector: string): MessagePort | null
  checkDestination(type: DestinationType, config: Record<string, unknown>): Promise<CheckResult>
  schedulerState(): SchedulerState
  /** Progress of the runs that are active now. */
  progress(): Progress[]
  /** Why this queued run or pending range waits, for people; undefined when it does not. */
  waitingFor(runId: string): string | undefined
  isCancelling(runId: string): boolean
}
