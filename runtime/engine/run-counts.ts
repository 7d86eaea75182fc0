import type { RunRow } from '../store/runs.ts'
import type { EngineDeps } from './context.ts'
import type { RangeOutcome } from './range-task.ts'
import type { RunScope } from './run-scope.ts'

/** What a run still has to do and what failed, from the stream's counters or those of its windows; as before when the stream is gone. */
export function countsOf(
  run: RunRow,
  scope: RunScope,
  { ranges, config, now }: Pick<EngineDeps, 'ranges' | 'config' | 'now'>,
): Pick<RunRow, 'rangesTotal' | 'rangesFailed'> {
  const context = config.stream(run.streamId)
  if (!context) return { rangesTotal: run.rangesTotal, rangesFailed: run.rangesFailed }
  const { pending, failed } = scope.counts(ranges, context, run.rangesComplete, now())
  return {
    rangesFailed: failed,
    rangesTotal: run.rangesComplete + pending + context.counts.running + failed,
  }
}

/** What a run has done once one more range is in. */
export const sumsAfter = (
  run: RunRow,
  { receipt, progress }: Extract<RangeOutcome, { kind: 'completed' }>,
): Partial<RunRow> => ({
  rangesComplete: run.rangesComplete + 1,
  // A range that is read in part has more records than were read.
  records: run.records + Math.min(receipt.records, progress.records),
  bytes: run.bytes + receipt.bytes,
  pages: run.pages + progress.pages,
})
