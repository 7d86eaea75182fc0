import { instantText } from '../../schema/common.ts'
import { derrickError } from '../../schema/error.ts'
import type { RangeChange } from '../../schema/range-state.ts'
import { planChunk, type RangeRow, type RangeStore } from '../store/ranges.ts'
import { breathe } from './breathe.ts'
import type { StreamContext } from './context.ts'
import type { AskedWindow, RangeAction } from './engine.ts'

/** Times that JavaScript knows; what has no bound has these. */
export const farthestMs = 8.64e15

/** What moves ranges; `prioritize` moves none, it only lets pending ones go first. */
export type MovingAction = Exclude<RangeAction, 'clear'>
export interface MoveOptions {
  status?: string
  dryRun?: boolean
  /** the next read is believed, however few records it has */
  force?: boolean
}

const changes: Record<
  Exclude<MovingAction, 'prioritize'>,
  (row: RangeRow, force: boolean) => RangeChange | null
> = {
  retry: (row, force) =>
    row.status === 'failed' ? { kind: 'retry', resetFailures: true, ...forced(force) } : null,
  resync: (row, force) => {
    if (row.status === 'failed') return { kind: 'retry', resetFailures: true, ...forced(force) }
    return row.status === 'complete' ? { kind: 'reopen', lane: 'repair', force } : null
  },
}

const forced = (force: boolean) => (force ? { force } : {})

/**
 * Moves the ranges of a window, in chunks that let other work in between; returns how many it moved, with dryRun how
 * many it would move.
 */
export async function moveRanges(
  ranges: RangeStore,
  streamId: string,
  action: MovingAction,
  window: AskedWindow,
  options: MoveOptions,
  onMoved: (rows: RangeRow[]) => void,
): Promise<number> {
  let matched = 0
  for await (const rows of rangesOf(ranges, streamId, window)) {
    const wanted = rows.filter((row) => !options.status || row.status === options.status)
    const movable = wanted.filter((row) => isMoved(row, action))
    matched += movable.length
    if (options.dryRun || movable.length === 0) continue
    onMoved(move(ranges, movable, action, options.force ?? false))
  }
  return matched
}

/** Opens a range again that is complete or failed; in any other state it will be read anyway. */
export function openAgain(ranges: RangeStore, row: RangeRow): RangeRow {
  const change = changes.resync(row, false)
  return change ? ranges.change(row.id, change) : row
}

/**
 * Whether no range meets a window that the stream will read sooner or later. Throws DerrickError range.none_in_window where
 * it never will: there is nothing to read *again*.
 */
export function isUnplanned(
  ranges: RangeStore,
  { streamId, title, start }: StreamContext,
  { from, to }: { from: number; to: number | null },
): boolean {
  const end = to ?? farthestMs
  if (ranges.overlapping(streamId, from, end, 1).length > 0) return false
  if (from < end && start < end) return true
  throw derrickError('unknown', 'range.none_in_window', `${title} has nothing in that window`, {
    remedy: `it begins at ${instantText(start)}; sync the window to read it for the first time, or move the start date`,
  })
}

/** A stream's ranges that meet a window, and its full read, some at a time with room for other work between. */
export async function* rangesOf(
  ranges: RangeStore,
  streamId: string,
  window: AskedWindow,
): AsyncGenerator<RangeRow[]> {
  const full = ranges.full(streamId)
  if (full) yield [full]
  for (let from = window.from ?? -farthestMs; ; await breathe()) {
    const rows = ranges.overlapping(streamId, from, window.to ?? farthestMs)
    yield rows
    const last = rows.at(-1)
    if (!last || rows.length < planChunk) return
    from = last.end
  }
}

const isMoved = (row: RangeRow, action: MovingAction): boolean =>
  action === 'prioritize' ? row.status === 'pending' : changes[action](row, false) !== null

function move(
  ranges: RangeStore,
  rows: RangeRow[],
  action: MovingAction,
  force: boolean,
): RangeRow[] {
  // Since they were looked at, a run may have claimed some.
  const now = rows.flatMap(({ id }) => ranges.get(id) ?? [])
  if (action === 'prioritize') return ranges.bringForward(now.filter((row) => isMoved(row, action)))
  return now.flatMap((row) => {
    const change = changes[action](row, force)
    return change ? [ranges.change(row.id, change)] : []
  })
}
