import type { Failure } from '../../schema/error.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import { failureText } from './engine-events.ts'
import { pauseAfterRefusal, type RunReport, rangeTitle } from './run-report.ts'

/** What a range's failure means beyond the range: tells it, and pauses the source or stream that it speaks of. */
export function reactToFailure(
  row: RangeRow,
  failed: Failure,
  context: StreamContext,
  report: RunReport,
  deps: Pick<EngineDeps, 'config' | 'emit' | 'governors'>,
): void {
  const isAsked = failed.category === 'rate_limit' && failed.retry_after_ms !== undefined
  const waits = row.status === 'failed' && isAsked
  const text = `${context.title} ${rangeTitle(row)}: ${failureText(failed)}`
  report.log(waits ? 'info' : 'warn', 'range.failed', text, row.id, { failure: failed })
  if (failed.category === 'auth') pauseAfterRefusal(failed, context, deps)
  if (waits) deps.governors.pause(context.source.id, row.dueAt)
}
