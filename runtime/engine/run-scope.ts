import type { RangeRow, RangeStore } from '../store/ranges.ts'
import type { StreamContext } from './context.ts'
import type { AskedWindow } from './engine.ts'
import { farthestMs } from './range-actions.ts'

/** [from, to) in epoch ms */
export interface Window {
  from: number
  to: number
}

/** Many pending ranges are counted so often; between two counts those that were read are subtracted. */
const countedEveryMs = 1_000
const countedEachTime = 100

/** Windows that one run keeps apart; what is asked for beyond widens the last one. */
const maxWindows = 16

/**
 * What a run reads of its stream: windows that were asked for and nothing else, or all that is due. Windows need no lane
 * that a cancel holds, and go first.
 */
export class RunScope {
  #isWhole = false
  readonly #windows: Window[] = []
  #counted = { at: Number.NEGATIVE_INFINITY, heldLanes: 0, pending: 0, done: 0 }

  /** @param window without one: all that is due */
  add(window?: AskedWindow): void {
    this.#counted.at = Number.NEGATIVE_INFINITY
    if (!window) {
      this.#isWhole = true
      return
    }
    const { from, to } = { from: window.from ?? -farthestMs, to: window.to ?? farthestMs }
    if (this.#windows.some((known) => known.from <= from && to <= known.to)) return
    const last = this.#windows.length === maxWindows ? this.#windows.pop() : undefined
    this.#windows.push(
      last ? { from: Math.min(from, last.from), to: Math.max(to, last.to) } : { from, to },
    )
  }

  /** The range that comes next, by the stream's order. */
  next(ranges: RangeStore, context: StreamContext, now: number): RangeRow | undefined {
    const { streamId, strategy, heldLanes } = context
    for (const window of this.#windows) {
      const row = ranges.nextWithin(streamId, strategy, window, now)
      if (row) return row
    }
    return this.#isWhole ? ranges.next(streamId, strategy, heldLanes, now) : undefined
  }

  /** When the first of its failed ranges comes due by itself; null when none ever does. */
  nextFailedDue(ranges: RangeStore, streamId: string): number | null {
    if (this.#isWhole) return ranges.nextFailedDue(streamId)
    const due = this.#failed(ranges, streamId).map(({ dueAt }) => dueAt)
    return due.length === 0 ? null : Math.min(...due)
  }

  /** Its failed ranges that are due, at most `limit`. */
  failedDue(ranges: RangeStore, streamId: string, now: number, limit: number): RangeRow[] {
    if (this.#isWhole) return ranges.failedDue(streamId, now, limit)
    return this.#failed(ranges, streamId)
      .filter(({ dueAt }) => dueAt <= now)
      .slice(0, limit)
  }

  /** The one of its failed ranges that waits longest, for its reason. */
  lastFailed(ranges: RangeStore, streamId: string): RangeRow | undefined {
    return this.#isWhole ? ranges.lastFailed(streamId) : this.#failed(ranges, streamId).at(-1)
  }

  /**
   * Ranges of the stream that it still has to read, and those that failed; what runs is not among them.
   * @param done ranges that the run has read
   */
  counts(
    ranges: RangeStore,
    context: StreamContext,
    done: number,
    now: number,
  ): { pending: number; failed: number } {
    const { streamId, counts, heldLanes } = context
    if (this.#isWhole && heldLanes === 0) return { pending: counts.pending, failed: counts.failed }
    const before = this.#counted
    const isFresh = before.heldLanes === heldLanes && now - before.at < countedEveryMs
    const left = before.pending - (done - before.done)
    const isCounted = !isFresh || left < countedEachTime
    const pending = isCounted ? this.#pending(ranges, context) : left
    if (isCounted) this.#counted = { at: now, heldLanes, pending, done }
    if (this.#isWhole) return { pending, failed: counts.failed }
    return { pending, failed: counts.failed === 0 ? 0 : this.#failed(ranges, streamId).length }
  }

  /** Each of them is looked at. */
  #pending(ranges: RangeStore, { streamId, heldLanes }: StreamContext): number {
    if (this.#isWhole) return ranges.countPending(streamId, heldLanes)
    const pending = this.#windows.map((window) => ranges.countPendingWithin(streamId, window))
    return pending.reduce((sum, count) => sum + count, 0)
  }

  /** Those that are due first come first. */
  #failed(ranges: RangeStore, streamId: string): RangeRow[] {
    return ranges
      .failed(streamId)
      .filter((row) => this.#windows.some(({ from, to }) => row.start < to && row.end > from))
  }
}
