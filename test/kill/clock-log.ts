/** Where the source's clock stood while the program lived: what an attempt that began then must have read. */
export class ClockLog {
  readonly #moves: { sinceMs: number; shopMs: number }[] = []

  /** @param sinceMs the machine's time; the program must not be reading then */
  moved(sinceMs: number, shopMs: number): void {
    this.#moves.push({ sinceMs, shopMs })
  }

  /** The shop's time during an attempt whose first request followed `fetchedFromMs`. */
  at(fetchedFromMs: number): number {
    const move = this.#moves.findLast(({ sinceMs }) => sinceMs <= fetchedFromMs)
    if (move === undefined) throw new RangeError('before the first move of the clock')
    return move.shopMs
  }

  /** The shop's times from that attempt until now, each once. */
  since(fetchedFromMs: number): number[] {
    const first = this.at(fetchedFromMs)
    const later = this.#moves.filter(({ sinceMs }) => sinceMs > fetchedFromMs)
    return [...new Set([first, ...later.map(({ shopMs }) => shopMs)])]
  }

  /** All of the shop's times, the latest first. */
  all(): number[] {
    return [...new Set(this.#moves.map(({ shopMs }) => shopMs))].reverse()
  }

  now(): number {
    return this.at(Number.POSITIVE_INFINITY)
  }
}
