/** A run that waits for its turn at a source. */
interface Waiting {
  poke(): void
}

interface Line<Run> {
  inFlight: number
  max: number
  waiting: Set<Run>
  woken: boolean
}

/**
 * Ranges in flight of each source, over all its runs: together they stay under its bound. Runs that meet the bound stand
 * in line and take one range each when it is their turn, so that none starves beside a long one.
 */
export class SourceTurns<Run extends Waiting> {
  readonly #lines = new Map<string, Line<Run>>()
  #turn: Run | null = null

  inFlight(sourceId: string): number {
    return this.#lines.get(sourceId)?.inFlight ?? 0
  }

  /** Whether this run may send one more range now; if not it stands in line and is poked when it may. */
  take(sourceId: string, max: number, run: Run): boolean {
    const line = this.#line(sourceId)
    line.max = max
    const isFree = line.inFlight < max
    const isFirst = line.waiting.size === 0 || this.#turn === run
    if (isFree && isFirst) {
      // One at a time: the next one only after those in line.
      this.#turn = null
      line.inFlight += 1
      return true
    }
    line.waiting.add(run)
    if (isFree) this.#wake(sourceId, line)
    return false
  }

  giveBack(sourceId: string): void {
    const line = this.#line(sourceId)
    line.inFlight -= 1
    this.#wake(sourceId, line)
  }

  /** Later, so that nobody is poked within his own step. */
  #wake(sourceId: string, line: Line<Run>): void {
    if (line.woken) return
    line.woken = true
    queueMicrotask(() => {
      line.woken = false
      // Whoever has nothing to send any more leaves the line by being poked.
      for (const run of line.waiting) {
        if (line.inFlight >= line.max) break
        line.waiting.delete(run)
        this.#turn = run
        run.poke()
        this.#turn = null
      }
      if (line.inFlight === 0 && line.waiting.size === 0) this.#lines.delete(sourceId)
    })
  }

  #line(sourceId: string): Line<Run> {
    let line = this.#lines.get(sourceId)
    if (!line) {
      line = { inFlight: 0, max: 1, waiting: new Set(), woken: false }
      this.#lines.set(sourceId, line)
    }
    return line
  }
}
