import { type Lane, lanes } from '../../schema/range.ts'
import type { Permits } from './permits.ts'

/** A run that waits for its permits. */
export interface QueuedRun {
  runId: string
  streamId: string
  sourceId: string
  /** the freshest lane it has work in */
  lane: Lane
  queuedAt: number
  /** epoch ms; it has nothing to do before */
  notBefore?: number
  /** it gave its permits to a fresher run with ranges half read: those go on before others of its lane begin */
  isParked?: boolean
}

/** Why a run should offer its permits: to one that is fresher, or to one that has waited as long. */
export type WantedBy = 'fresher' | 'fair'

/** False for runs whose source must wait: they would only hold what others could use. */
export type IsReady = (run: QueuedRun) => boolean

/**
 * Grants permits to queued runs: fresher lanes first, then round robin over streams (whoever was granted longest ago),
 * then by waiting time. A run whose source is full never blocks one of another source.
 */
export class RunQueue {
  readonly #permits: Permits
  readonly #queued = new Map<string, QueuedRun>()
  readonly #lastGrant = new Map<string, number>()
  #grants = 0

  constructor(permits: Permits) {
    this.#permits = permits
  }

  get size(): number {
    return this.#queued.size
  }

  add(run: QueuedRun): void {
    this.#queued.set(run.runId, run)
  }

  remove(runId: string): void {
    this.#queued.delete(runId)
  }

  has(runId: string): boolean {
    return this.#queued.has(runId)
  }

  /**
   * Takes permits for as many queued runs as the limits allow; returns those to start, best first.
   */
  grant(isReady: IsReady): QueuedRun[] {
    const granted: QueuedRun[] = []
    if (this.#permits.inUse >= this.#permits.limits.global) return granted
    for (const run of this.#inOrder()) {
      const blocked = this.#permits.blockedBy(run.sourceId)
      if (blocked === 'global') break
      if (blocked || !isReady(run) || !this.#permits.take(run.sourceId)) continue
      this.#queued.delete(run.runId)
      this.#lastGrant.set(run.streamId, ++this.#grants)
      granted.push(run)
    }
    return granted
  }

  /**
   * Whether a run that holds permits of this source should offer them: someone who could start with them is fresher, or
   * has waited long.
   * @param lane of its next range; null for a run that only waits, which anyone may replace
   * @returns null when it should not
   */
  wants(
    sourceId: string,
    lane: Lane | null,
    heldSinceMs: number,
    now: number,
    isReady: IsReady,
  ): WantedBy | null {
    const rank = lane === null ? Number.POSITIVE_INFINITY : lanes.indexOf(lane)
    const isLongHeld = now - heldSinceMs >= fairShareMs
    let wantedBy: WantedBy | null = null
    for (const run of this.#queued.values()) {
      const isFresher = lanes.indexOf(run.lane) < rank
      const isFair = run.lane === lane && isLongHeld && now - run.queuedAt >= fairShareMs
      if (!isFresher && !isFair) continue
      // One that could start without these permits isn't ready; one that couldn't with them would be in the way.
      if (this.#permits.blockedBy(run.sourceId) === undefined) continue
      if (!this.#permits.fitsInstead(run.sourceId, sourceId) || !isReady(run)) continue
      if (isFresher) return 'fresher'
      wantedBy = 'fair'
    }
    return wantedBy
  }

  /** What a queued run waits for, for people. */
  waitingFor(runId: string): string | undefined {
    const run = this.#queued.get(runId)
    if (!run) return undefined
    const { global, perSource } = this.#permits.limits
    return this.#permits.blockedBy(run.sourceId) === 'source'
      ? `a free sync of its source (${perSource} at once)`
      : `a free sync (${global} at once)`
  }

  #inOrder(): QueuedRun[] {
    return [...this.#queued.values()].sort(
      (a, b) =>
        lanes.indexOf(a.lane) - lanes.indexOf(b.lane) ||
        Number(b.isParked ?? false) - Number(a.isParked ?? false) ||
        (this.#lastGrant.get(a.streamId) ?? 0) - (this.#lastGrant.get(b.streamId) ?? 0) ||
        a.queuedAt - b.queuedAt,
    )
  }
}

/** A run keeps its permits this long before it offers them to one that has waited as long in the same lane. */
export const fairShareMs = 30_000
