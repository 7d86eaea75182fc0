import type { Lane } from '../../schema/range.ts'
import type { StreamContext } from './context.ts'
import type { SourceLoad } from './ranges-in-flight.ts'
import type { RunCoordinator } from './run-coordinator.ts'

/** What a run asks of its engine beyond the shared parts. */
export interface RunHost extends SourceLoad {
  /** Whether the run may send one more range to its source now; if not it is poked when it may. */
  takeTurn(run: RunCoordinator, source: StreamContext['source']): boolean
  /** Whether somebody else should have this run's permits; a run that only waits has no lane. */
  permitsWanted(run: RunCoordinator, lane: Lane | null): boolean
  /** The run gave its permits back and is queued again, or there is more that could be granted. */
  permitsReturned(): void
  /** All its runs have to stop. */
  sourcePaused(sourceId: string): void
  ended(run: RunCoordinator): void
}
