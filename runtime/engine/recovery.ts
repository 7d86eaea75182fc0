import type { RunRow } from '../store/runs.ts'
import type { EngineDeps } from './context.ts'
import { rangeTitle } from './run-report.ts'
import { interrupted } from './stream-rules.ts'

export interface Recovered {
  /** ended by the crash; a new run should go on with their streams */
  interruptedRuns: RunRow[]
  /** waited, or were put back by a graceful stop: they go on as they are */
  queuedRuns: RunRow[]
  ranges: number
}

/**
 * What a process finds after an unclean end of the one before it: touches SQLite only, destinations may be down. Ranges
 * that ran become failed, due at once and not counted; their next attempt asks the destination first.
 */
export function recover(
  deps: Pick<EngineDeps, 'ranges' | 'runs' | 'attempts' | 'config' | 'emit' | 'now'>,
): Recovered {
  const { ranges, runs, attempts, config, emit, now } = deps
  const found: Recovered = { interruptedRuns: [], queuedRuns: [], ranges: 0 }
  attempts.interruptAll(now())
  for (const row of ranges.running()) {
    const range = ranges.change(
      row.id,
      { kind: 'interrupt', failure: interrupted },
      { finishedAt: now() },
    )
    found.ranges += 1
    const stream = config.stream(row.streamId)
    if (!stream) continue
    emit({ kind: 'range-changed', workspaceId: stream.workspaceId, range })
    emit({
      kind: 'happened',
      activity: {
        workspaceId: stream.workspaceId,
        level: 'warn',
        kind: 'range.interrupted',
        message: `${stream.title} ${rangeTitle(row)}: ${interrupted.message}`,
        streamId: row.streamId,
        rangeId: row.id,
        ...(row.runId === null ? {} : { runId: row.runId }),
      },
    })
  }
  for (const run of runs.allActive()) {
    if (run.status === 'queued') {
      found.queuedRuns.push(run)
      continue
    }
    const ended: RunRow = { ...run, status: 'failed', finishedAt: now(), error: interrupted }
    runs.save(ended)
    emit({ kind: 'run-changed', workspaceId: run.workspaceId, run: ended })
    found.interruptedRuns.push(ended)
  }
  return found
}
