import type { Progress } from '../../schema/event.ts'
import type { AttemptProgress } from '../../schema/protocol.ts'
import type { RunRow } from '../store/runs.ts'

interface Totals {
  records: number
  bytes: number
  pages: number
}

/** Weight of the newest sample in the shown speed. */
const smoothing = 0.35

/** Speed of a run: what its finished and running attempts have read, sampled and smoothed. */
export class RunProgress {
  readonly #running = new Map<number, AttemptProgress>()
  #last: (Totals & { at: number }) | undefined
  #recordsPerSecond = 0
  #bytesPerSecond = 0

  update(rangeId: number, progress: AttemptProgress): void {
    this.#running.set(rangeId, progress)
  }

  remove(rangeId: number): void {
    this.#running.delete(rangeId)
  }

  /** A sample for people; `run` holds what finished attempts brought. */
  sample(
    run: RunRow,
    ranges: { done: number; total: number },
    waiting: string | undefined,
    now: number,
  ): Progress {
    const totals: Totals = { records: run.records, bytes: run.bytes, pages: run.pages }
    for (const progress of this.#running.values()) {
      totals.records += progress.records
      totals.bytes += progress.bytes
      totals.pages += progress.pages
    }
    this.#measure(totals, now)
    return {
      run_id: run.id,
      stream_id: run.streamId,
      ...totals,
      records_per_second: Math.round(this.#recordsPerSecond),
      bytes_per_second: Math.round(this.#bytesPerSecond),
      ranges_done: ranges.done,
      ranges_total: ranges.total,
      in_flight: this.#running.size,
      ...(waiting === undefined ? {} : { waiting }),
    }
  }

  #measure(totals: Totals, now: number): void {
    const last = this.#last
    this.#last = { ...totals, at: now }
    if (!last || now <= last.at) return
    const seconds = (now - last.at) / 1000
    // A range that failed takes its records back; a speed below zero would mean nothing to anyone.
    const rate = (from: number, to: number): number => Math.max(0, (to - from) / seconds)
    const weight = last.records === 0 ? 1 : smoothing
    this.#recordsPerSecond += weight * (rate(last.records, totals.records) - this.#recordsPerSecond)
    this.#bytesPerSecond += weight * (rate(last.bytes, totals.bytes) - this.#bytesPerSecond)
  }
}
