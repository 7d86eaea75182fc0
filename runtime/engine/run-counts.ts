import type { RunRow } from '../store/runs.ts'
import type { EngineDeps } from './context.ts'

/** What a run still has to do and what failed, from the stream's counters; as before when the stream is gone. */
export function countsOf(
  run: RunRow,
  { ranges, config }: Pick<EngineDeps, 'ranges' | 'config'>,
): Pick<RunRow, 'rangesTotal' | 'rangesFailed'> {
  const context = config.stream(run.streamId)
  if (!context) return { rangesTotal: run.rangesTotal, rangesFailed: run.rangesFailed }
  const { counts, heldLanes } = context
  const pending = heldLanes === 0 ? counts.pending : ranges.countPending(run.streamId, heldLanes)
  return {
    rangesFailed: counts.failed,
    rangesTotal: run.rangesComplete + pending + counts.running + counts.failed,
  }
}
