import type { Lane } from '../../schema/range.ts'
import type { StreamContext } from './context.ts'
import type { RunCoordinator } from './run-coordinator.ts'
import type { WantedBy } from './run-queue.ts'
import type { SourceTurns, Turn, TurnWish } from './source-turns.ts'

/** What a run asks of its engine beyond the shared parts. */
export interface RunHost {
  readonly turns: Pick<SourceTurns<RunCoordinator>, 'park' | 'unpark' | 'held' | 'drop'>
  /** A place for one more of the run's ranges at its source; without one it is poked when there may be one. */
  takeTurn(run: RunCoordinator, source: StreamContext['source'], wish: TurnWish): Turn | null
  /** Who else should have this run's permits, if anybody; a run that only waits has no lane. */
  permitsWanted(run: RunCoordinator, lane: Lane | null): WantedBy | null
  /** The run gave its permits back and is queued again, or there is more that could be granted. */
  permitsReturned(): void
  /** All its runs have to stop. */
  sourcePaused(sourceId: string): void
  ended(run: RunCoordinator): void
}
