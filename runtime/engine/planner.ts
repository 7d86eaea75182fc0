import { DerrickError, type Failure } from '../../schema/error.ts'
import type { Lane } from '../../schema/range.ts'
import { type FinalityRules, finality, revisitDue } from '../../schema/revisit.ts'
import type { Granularity, SyncStrategy } from '../../schema/stream.ts'
import { boundaryAt, type Interval, tilesBackward, tilesForward } from '../../schema/tiling.ts'
import { planChunk, type RangeRow, type RangeStore } from '../store/ranges.ts'
import { breatheInLine } from './breathe.ts'
import type { StreamContext } from './context.ts'
import type { AskedWindow } from './engine.ts'
import { canMerge, oldestAt } from './read-part.ts'

/** The part of time that has rows: [from, to). Its bounds are facts; a new zone or granularity applies beyond them. */
export interface Frontier {
  from: number
  to: number
}

export interface PlanInput {
  streamId: string
  /** the connector is gone: nothing can be planned */
  missing: Failure | null
  windowed: boolean
  strategy: SyncStrategy
  granularity: Granularity
  zone: string
  /** epoch ms of the first instant to read */
  start: number
  frontier: Frontier | null
  rules: FinalityRules
  /** the source has nothing from before; ranges that begin earlier are read again only where a part can be merged */
  oldest: number
  canMerge: boolean
  /** a person asks: what failed with this fence or a lower one is tried again; null when nobody does */
  retryUpTo: number | null
}

export const planInput = (
  context: StreamContext,
  retryUpTo: number | null,
  now: number,
): PlanInput => ({
  streamId: context.streamId,
  missing: context.connector.missing ?? null,
  windowed: context.connector.windowed,
  strategy: context.strategy,
  granularity: context.granularity,
  zone: context.source.zone,
  start: Math.max(context.start, oldestAt(context, now)),
  frontier: context.frontier,
  rules: context,
  oldest: oldestAt(context, now),
  canMerge: canMerge(context),
  retryUpTo,
})

export interface PlanDeps {
  ranges: RangeStore
  now: () => number
  saveFrontier: (streamId: string, frontier: Frontier) => void
  onChanged: (rows: RangeRow[]) => void
  /** false when nobody waits for the plan any more */
  isWanted: () => boolean
}

/**
 * Makes rows for all time that is due and opens again what is not final. Works in chunks and lets other work in
 * between; what is planned can be picked at once, newest_first from now downward.
 */
export async function plan(input: PlanInput, deps: PlanDeps, window?: AskedWindow): Promise<void> {
  // By guesses, a stream with windows would get a range that reads all of it.
  if (input.missing) throw new DerrickError(input.missing)
  // A stream that is read whole has no windows.
  if (window && input.windowed) await planWindow(input, deps, window)
  else await planAll(input, deps)
}

async function planAll(input: PlanInput, deps: PlanDeps): Promise<void> {
  const { ranges, now, onChanged } = deps
  // Not what fails meanwhile: later attempts have higher fences.
  const retryChunk = (): boolean => {
    const retried = ranges.retryFailed(input.streamId, input.retryUpTo ?? 0, planChunk)
    onChanged(retried)
    return retried.length === planChunk
  }
  let more = input.retryUpTo !== null && retryChunk()
  if (input.windowed) {
    onChanged(reopen(input, deps))
    if (input.start <= now()) await extend(input, deps)
  } else {
    ranges.insertFull(input.streamId)
    const full = ranges.full(input.streamId)
    if (full?.status === 'complete')
      onChanged([ranges.change(full.id, { kind: 'reopen', lane: 'fresh' })])
  }
  while (more && deps.isWanted()) {
    await breatheInLine()
    more = retryChunk()
  }
}

/** Makes rows for one window, also outside of what else is read, and lets what is due in it go first. Only that. */
async function planWindow(input: PlanInput, deps: PlanDeps, window: AskedWindow): Promise<void> {
  const { streamId, granularity, zone, frontier } = input
  const { ranges, now, onChanged } = deps
  const hasRows = ({ start, end }: Interval): boolean =>
    frontier !== null && frontier.from <= start && end <= frontier.to
  const to = Math.min(window.to ?? Number.POSITIVE_INFINITY, now() + 1)
  const first = Math.max(window.from ?? input.start, input.oldest)
  let from = boundaryAt(first, granularity, zone)
  onChanged(ranges.reopenOpen(streamId, from, to - 1))
  while (from < to && deps.isWanted()) {
    const tiles = tilesForward(from, to, granularity, zone, planChunk)
    const end = tiles.at(-1)?.end ?? to
    ranges.insert(
      streamId,
      tiles.filter((tile) => !hasRows(tile)).map((tile) => ({ ...tile, lane: 'fresh' })),
    )
    onChanged(ranges.bringForward(ranges.overlapping(streamId, from, end)))
    from = end
    await breatheInLine()
  }
}

/** Moves the frontier: at its end to now, at its beginning to the start date, whichever way that was moved. */
async function extend(input: PlanInput, deps: PlanDeps): Promise<void> {
  const { streamId, granularity, zone } = input
  const { ranges, now, isWanted } = deps
  let frontier = input.frontier ?? firstFrontier(input, now())
  const move = (moved: Frontier): void => {
    frontier = moved
    deps.saveFrontier(streamId, moved)
  }
  const first = input.frontier === null && input.strategy === 'oldest_first'
  const freshFrom = first ? boundaryAt(now(), granularity, zone) : frontier.to
  while (frontier.to <= now() && isWanted()) {
    const tiles = tilesForward(frontier.to, now() + 1, granularity, zone, planChunk)
    const laneOf = (tile: Interval): Lane => (tile.end > freshFrom ? 'fresh' : 'history')
    ranges.insert(
      streamId,
      tiles.map((tile) => ({ ...tile, lane: laneOf(tile) })),
    )
    move({ ...frontier, to: tiles.at(-1)?.end ?? frontier.to })
    await breatheInLine()
  }
  while (frontier.from > input.start && isWanted()) {
    const tiles = tilesBackward(frontier.from, input.start, granularity, zone, planChunk)
    ranges.insert(
      streamId,
      tiles.map((tile) => ({ ...tile, lane: 'history' })),
    )
    move({ ...frontier, from: tiles.at(-1)?.start ?? frontier.from })
    await breatheInLine()
  }
  // Moved later: what was read stays. The frontier follows first, so that an earlier date fills every gap again.
  const from = boundaryAt(input.start, granularity, zone)
  if (frontier.from >= from || !isWanted()) return
  move({ ...frontier, from })
  while (ranges.forgetUnreadBefore(streamId, from, planChunk) > 0) await breatheInLine()
}

/** Where an unplanned stream begins: newest_first at the open range, oldest_first at its start. */
function firstFrontier(input: PlanInput, now: number): Frontier {
  const at = input.strategy === 'newest_first' ? now : input.start
  const from = boundaryAt(at, input.granularity, input.zone)
  return { from, to: from }
}

/** Opens again what is not final: open ranges with each plan, those that settle once a step of age. */
function reopen(input: PlanInput, { ranges, now }: PlanDeps): RangeRow[] {
  const { streamId, start, rules } = input
  const found = ranges.open(streamId, start, now())
  // Final by rules that were others then.
  if (rules.lookbackMs > 0)
    found.push(...ranges.sealedSince(streamId, Math.max(start, now() - rules.lookbackMs * 2)))
  return found.flatMap((row) => {
    const lane = laneOfNextRead(row, input, now())
    return lane ? [ranges.change(row.id, { kind: 'reopen', lane })] : []
  })
}

/** In which lane a complete range is read again now; null when it is not. */
function laneOfNextRead(row: RangeRow, input: PlanInput, now: number): Lane | null {
  const { rules, oldest, canMerge } = input
  if (row.start < oldest && !canMerge) return null
  const { end, unchanged } = row
  const fetchedFrom = row.fetchedFrom ?? 0
  switch (finality(end, { fetchedFrom, unchanged }, rules)) {
    case 'open':
      return 'fresh'
    case 'settling':
      return revisitDue(end, fetchedFrom, rules.lookbackMs, now) ? 'repair' : null
    case 'final':
      // By rules that changed since: read once more, so that the destination says it as well.
      return row.sealed ? null : 'repair'
  }
}
