/** Failed sign-ins allowed within a minute: from one address, and from all together. */
const perAddress = 10
const together = 100
const windowMs = 60_000
/** Addresses remembered at a time; beyond it the common limit is all there is. */
const maxAddresses = 10_000

/** Counts failed sign-ins in windows of a minute. */
export class LoginLimit {
  readonly #now: () => number
  #windowStart = 0
  #total = 0
  readonly #failed = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Seconds to wait before the next try; 0 when it may be made. */
  waitSeconds(address: string): number {
    this.#turn()
    if (this.#total < together && (this.#failed.get(address) ?? 0) < perAddress) return 0
    return Math.max(1, Math.ceil((this.#windowStart + windowMs - this.#now()) / 1_000))
  }

  failed(address: string): void {
    this.#turn()
    this.#total += 1
    const count = this.#failed.get(address)
    if (count === undefined && this.#failed.size >= maxAddresses) return
    this.#failed.set(address, (count ?? 0) + 1)
  }

  #turn(): void {
    const elapsed = this.#now() - this.#windowStart
    if (elapsed >= 0 && elapsed < windowMs) return
    this.#windowStart = this.#now()
    this.#total = 0
    this.#failed.clear()
  }
}
