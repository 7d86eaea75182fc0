/** Bytes that the pages under way in one worker may take together, decoded and parsed. */
export const workerBudgetBytes = 128 * 1024 * 1024
/** Objects parsed from a body take about this many times its bytes. */
const parsedFactor = 8
const leastPageBytes = 1024 * 1024

/** What the next page of a range is expected to cost, by the size of its last one. */
export const expectedCost = (lastPageBytes: number): number =>
  Math.max(leastPageBytes, lastPageBytes * parsedFactor)

interface Waiter {
  bytes: number
  resolve: () => void
}

/**
 * Admits pages while their expected cost fits. When nothing is under way one page always goes on, however large, so
 * that a range with huge pages is slow rather than stuck.
 */
export class ByteBudget {
  readonly #limit: number
  #used = 0
  readonly #waiters: Waiter[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  /** Waits for room; the returned function gives it back, once. Rejects with the signal's reason when aborted. */
  async take(bytes: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#waiters.length > 0 || !this.#fits(bytes)) await this.#wait(bytes, signal)
    else this.#used += bytes
    let given = false
    return () => {
      if (given) return
      given = true
      this.#used -= bytes
      this.#admit()
    }
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#limit
  }

  #admit(): void {
    for (let first = this.#waiters[0]; first && this.#fits(first.bytes); first = this.#waiters[0]) {
      this.#waiters.shift()
      this.#used += first.bytes
      first.resolve()
    }
  }

  #wait(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        const at = this.#waiters.indexOf(waiter)
        if (at >= 0) this.#waiters.splice(at, 1)
        reject(signal.reason)
        this.#admit()
      }
      const waiter: Waiter = {
        bytes,
        resolve: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      this.#waiters.push(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}
