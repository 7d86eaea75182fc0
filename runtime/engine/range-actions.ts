import type { RangeChange } from '../../schema/range-state.ts'
import { planChunk, type RangeRow, type RangeStore } from '../store/ranges.ts'
import { breathe } from './breathe.ts'
import type { AskedWindow, RangeAction } from './engine.ts'

/** Times that JavaScript knows; what has no bound has these. */
const farthestMs = 8.64e15

/** Which ranges an action moves, and how; `prioritize` moves none, it only lets pending ones go first. */
const changes: Record<Exclude<RangeAction, 'prioritize'>, (row: RangeRow) => RangeChange | null> = {
  retry: (row) => (row.status === 'failed' ? { kind: 'retry', resetFailures: true } : null),
  resync: (row) => {
    if (row.status === 'failed') return { kind: 'retry', resetFailures: true }
    return row.status === 'complete' ? { kind: 'reopen', lane: 'repair' } : null
  },
}

/**
 * Moves the ranges of a window, in chunks that let other work in between; returns how many it moved, with dryRun how
 * many it would move.
 */
export async function moveRanges(
  ranges: RangeStore,
  streamId: string,
  action: RangeAction,
  window: AskedWindow,
  options: { status?: string; dryRun?: boolean },
  onMoved: (rows: RangeRow[]) => void,
): Promise<number> {
  let matched = 0
  const act = (rows: RangeRow[]): void => {
    const wanted = rows.filter((row) => !options.status || row.status === options.status)
    const movable = wanted.filter((row) => isMoved(row, action))
    matched += movable.length
    if (!options.dryRun && movable.length > 0) onMoved(move(ranges, movable, action))
  }
  const full = ranges.full(streamId)
  if (full) act([full])
  for (let from = window.from ?? -farthestMs; ; await breathe()) {
    const rows = ranges.overlapping(streamId, from, window.to ?? farthestMs)
    act(rows)
    const last = rows.at(-1)
    if (!last || rows.length < planChunk) return matched
    from = last.end
  }
}

const isMoved = (row: RangeRow, action: RangeAction): boolean =>
  action === 'prioritize' ? row.status === 'pending' : changes[action](row) !== null

function move(ranges: RangeStore, rows: RangeRow[], action: RangeAction): RangeRow[] {
  if (action === 'prioritize') return ranges.bringForward(rows)
  return rows.flatMap((row) => {
    const change = changes[action](row)
    return change ? [ranges.change(row.id, change)] : []
  })
}
