import { type RangeStatus, rangeStatuses } from '../../schema/range.ts'
import type { RangeChange } from '../../schema/range-state.ts'
import type { RangeRow, RangeStore } from '../store/ranges.ts'
import type { AskedWindow, RangeAction } from './engine.ts'

/** Which ranges an action moves, and how; `prioritize` moves none, it only lets pending ones go first. */
const changes: Record<Exclude<RangeAction, 'prioritize'>, (row: RangeRow) => RangeChange | null> = {
  retry: (row) => (row.status === 'failed' ? { kind: 'retry', resetFailures: true } : null),
  resync: (row) => {
    if (row.status === 'failed') return { kind: 'retry', resetFailures: true }
    return row.status === 'complete' ? { kind: 'reopen', lane: 'repair' } : null
  },
}

/** Moves the ranges of a window; with dryRun it only counts those that it would move. */
export function moveRanges(
  ranges: RangeStore,
  streamId: string,
  action: RangeAction,
  window: AskedWindow,
  options: { status?: string; dryRun?: boolean },
): { matched: number; rows: RangeRow[] } {
  const wanted = options.status as RangeStatus | undefined
  const rows = ranges
    .overlapping(streamId, window.from, window.to)
    .filter(
      (row) => wanted === undefined || !rangeStatuses.includes(wanted) || row.status === wanted,
    )
  if (action === 'prioritize') {
    const pending = rows.filter((row) => row.status === 'pending')
    if (options.dryRun) return { matched: pending.length, rows: [] }
    return { matched: pending.length, rows: ranges.bringForward(streamId, window.from, window.to) }
  }
  const moves = rows.flatMap((row) => {
    const change = changes[action](row)
    return change ? [{ id: row.id, change }] : []
  })
  if (options.dryRun) return { matched: moves.length, rows: [] }
  return { matched: moves.length, rows: moves.map(({ id, change }) => ranges.change(id, change)) }
}
