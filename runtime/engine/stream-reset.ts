import type { MessagePort } from 'node:worker_threads'
import type { PoolTask } from '../../schema/protocol.ts'
import { planChunk, type RangeRow } from '../store/ranges.ts'
import { breathe } from './breathe.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import type { AskedWindow } from './engine.ts'
import { buildTarget, jobRange } from './job.ts'
import { moveRanges, rangesOf } from './range-actions.ts'
import { forgetResumePages } from './resume-pages.ts'

type Deps = Pick<EngineDeps, 'config' | 'ranges' | 'emit' | 'now' | 'resumeDir'>
type RunTask = (task: PoolTask<MessagePort>) => Promise<unknown>

/** Opens every range of a stream that is not being read again; with `clear` its data go first. */
export async function resetStream(
  context: StreamContext,
  { clear }: { clear: boolean },
  { config, ranges, resumeDir }: Deps,
  run: RunTask,
): Promise<void> {
  const { streamId } = context
  // First: whatever interrupts the rest, nothing counts as complete that may have been removed.
  await moveRanges(ranges, streamId, 'resync', { from: null, to: null }, {}, () => {})
  // The cancel that a reset begins with holds lanes; all of them are to be read again.
  config.setHeldLanes(streamId, 0)
  const full = ranges.full(streamId)
  if (full && resumeDir) forgetResumePages(resumeDir, full.id)
  if (!clear) return
  await run({ kind: 'clear-stream', target: buildTarget(context, config.jobInputs(streamId)) })
  while (ranges.forgetSome(streamId, planChunk) > 0) await breathe()
}

/**
 * Removes what the ranges of a window have at the destination; they are pending then, as if they had never been read.
 * Nothing of the stream may be running. Returns how many ranges had data there, with dryRun how many have.
 */
export async function clearWindow(
  context: StreamContext,
  window: AskedWindow,
  dryRun: boolean,
  { config, ranges, emit, now }: Deps,
  run: RunTask,
): Promise<number> {
  const { streamId, workspaceId } = context
  let cleared = 0
  if (!dryRun) config.setHeldLanes(streamId, 0)
  for await (const rows of rangesOf(ranges, streamId, window)) {
    const found = rows.filter((row) => row.kind === 'window' && row.committedAt !== null)
    cleared += found.length
    if (dryRun || found.length === 0) continue
    // As above: first nothing counts as complete, then it goes.
    for (const row of found) {
      if (row.status === 'complete') ranges.change(row.id, { kind: 'reopen', lane: 'repair' })
    }
    await run({
      kind: 'clear-ranges',
      target: buildTarget(context, config.jobInputs(streamId)),
      ranges: found.map((row) => jobRange(context, row, now())),
    })
    const anew: RangeRow[] = ranges.beginAnew(found)
    for (const range of anew) emit({ kind: 'range-changed', workspaceId, range })
  }
  return cleared
}
