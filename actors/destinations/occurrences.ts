/** Entries that one attempt counts; a table of this size takes 48 MB. */
const mostEntries = 2 ** 22 * 0.75

/**
 * Counts how often a hash came before: 0 for the first. Sixteen hex digits of the hash are compared, in typed arrays, so
 * a row costs 12 bytes. Past the bound a number that never returns is given instead: rows stay unique, but equal rows of
 * a very large range may swap their ids in its next read.
 */
export class Occurrences {
  readonly #bound: number
  #high = new Uint32Array(64)
  #low = new Uint32Array(64)
  #counts = new Uint32Array(64)
  #size = 0
  #past = 0

  constructor(bound: number = mostEntries) {
    this.#bound = bound
  }

  /** `hash`: hex, at least 16 digits. */
  next(hash: string): number {
    const high = Number.parseInt(hash.slice(0, 8), 16)
    const low = Number.parseInt(hash.slice(8, 16), 16)
    const slot = this.#slot(high, low)
    const count = this.#counts[slot] as number
    if (count === 0) {
      if (this.#size >= this.#bound) {
        this.#past += 1
        return 2 ** 32 + this.#past
      }
      this.#high[slot] = high
      this.#low[slot] = low
      this.#size += 1
    }
    this.#counts[slot] = count + 1
    if (count === 0 && this.#size > this.#counts.length * 0.75) this.#grow()
    return count
  }

  #slot(high: number, low: number): number {
    const mask = this.#counts.length - 1
    let slot = low & mask
    while (this.#counts[slot] !== 0 && (this.#high[slot] !== high || this.#low[slot] !== low)) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const [high, low, counts] = [this.#high, this.#low, this.#counts]
    const size = counts.length * 2
    this.#high = new Uint32Array(size)
    this.#low = new Uint32Array(size)
    this.#counts = new Uint32Array(size)
    for (const [at, count] of counts.entries()) {
      if (count === 0) continue
      const slot = this.#slot(high[at] as number, low[at] as number)
      this.#high[slot] = high[at] as number
      this.#low[slot] = low[at] as number
      this.#counts[slot] = count
    }
  }
}
