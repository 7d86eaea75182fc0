/** Row numbers as bits: ten million rows take 1.25 MB. Grows with its highest member. */
export class RowSet {
  #bits = new Uint8Array(64)
  #size = 0

  get size(): number {
    return this.#size
  }

  add(row: number): void {
    const at = row >>> 3
    if (at >= this.#bits.length) this.#grow(at + 1)
    const mask = 1 << (row & 7)
    const before = this.#bits[at] as number
    if (before & mask) return
    this.#bits[at] = before | mask
    this.#size += 1
  }

  has(row: number): boolean {
    return ((this.#bits[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0
  }

  /** Whether any row of [from, to) is a member. */
  hasBetween(from: number, to: number): boolean {
    if (this.#size === 0) return false
    for (let row = from; row < to; row += 1) if (this.has(row)) return true
    return false
  }

  #grow(least: number): void {
    const bits = new Uint8Array(Math.max(least, this.#bits.length * 2))
    bits.set(this.#bits)
    this.#bits = bits
  }
}
