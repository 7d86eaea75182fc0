import { setImmediate as breathe } from 'node:timers/promises'
import type { Lane } from '../../schema/range.ts'
import { revisitDue } from '../../schema/range-state.ts'
import type { Granularity, SyncStrategy } from '../../schema/stream.ts'
import {
  boundaryAt,
  type Interval,
  nextBoundary,
  tilesBackward,
  tilesForward,
} from '../../schema/tiling.ts'
import { planChunk, type RangeRow, type RangeStore } from '../store/ranges.ts'
import type { AskedWindow } from './engine.ts'

/** The part of time that has rows: [from, to). Its bounds are facts; a new zone or granularity applies beyond them. */
export interface Frontier {
  from: number
  to: number
}

export interface PlanInput {
  streamId: string
  windowed: boolean
  strategy: SyncStrategy
  granularity: Granularity
  zone: string
  /** epoch ms of the first instant to read */
  start: number
  frontier: Frontier | null
  lookbackMs: number
}

export interface PlanDeps {
  ranges: RangeStore
  now: () => number
  saveFrontier: (streamId: string, frontier: Frontier) => void
  onChanged: (rows: RangeRow[]) => void
}

/**
 * Makes rows for all time that is due and opens again what is not final. Works in chunks and lets other work in
 * between; what is planned can be picked at once, newest_first from now downward.
 */
export async function plan(input: PlanInput, deps: PlanDeps, window?: AskedWindow): Promise<void> {
  const { ranges, now } = deps
  if (!input.windowed) {
    ranges.insertFull(input.streamId)
    deps.onChanged(ranges.reopenOpen(input.streamId, now()))
    return
  }
  deps.onChanged(reopen(input, deps))
  let frontier = input.frontier ?? firstFrontier(input, now())
  const add = (tiles: Interval[], laneOf: (tile: Interval) => Lane, moved: Frontier): void => {
    ranges.insert(
      input.streamId,
      tiles.map((tile) => ({ ...tile, lane: laneOf(tile) })),
    )
    frontier = moved
    deps.saveFrontier(input.streamId, frontier)
  }
  const forward = async (): Promise<void> => {
    const first = input.frontier === null && input.strategy === 'oldest_first'
    const freshFrom = first ? boundaryAt(now(), input.granularity, input.zone) : frontier.to
    while (frontier.to <= now()) {
      const tiles = tilesForward(frontier.to, now() + 1, input.granularity, input.zone, planChunk)
      const end = tiles.at(-1)?.end ?? frontier.to
      add(tiles, (tile) => (tile.end > freshFrom ? 'fresh' : 'history'), { ...frontier, to: end })
      await breathe()
    }
  }
  const backward = async (): Promise<void> => {
    const until = Math.min(input.start, window?.from ?? input.start)
    while (frontier.from > until) {
      const tiles = tilesBackward(frontier.from, until, input.granularity, input.zone, planChunk)
      const start = tiles.at(-1)?.start ?? frontier.from
      add(tiles, () => 'history', { ...frontier, from: start })
      await breathe()
    }
  }
  await forward()
  await backward()
  if (window) deps.onChanged(ranges.bringForward(input.streamId, window.from, window.to))
}

/** Where an unplanned stream begins: newest_first at the open range, oldest_first at its start. */
function firstFrontier(input: PlanInput, now: number): Frontier {
  const at = input.strategy === 'newest_first' ? now : Math.min(input.start, now)
  const from = boundaryAt(at, input.granularity, input.zone)
  return { from, to: from }
}

function reopen(input: PlanInput, { ranges, now }: PlanDeps): RangeRow[] {
  const opened = ranges.reopenOpen(input.streamId, now())
  if (input.lookbackMs <= 0) return opened
  for (const row of ranges.sealedSince(input.streamId, now() - input.lookbackMs * 2)) {
    if (revisitDue(row.end, row.fetchedFrom ?? 0, input.lookbackMs, now())) {
      opened.push(ranges.change(row.id, { kind: 'reopen', lane: 'repair' }))
    }
  }
  return opened
}

/** How many ranges a window would hold, for dry runs. */
export function countTiles(window: Interval, granularity: Granularity, zone: string): number {
  let count = 0
  for (let t = boundaryAt(window.start, granularity, zone); t < window.end; count++) {
    t = nextBoundary(t, granularity, zone)
  }
  return count
}
