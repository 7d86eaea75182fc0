/** Bytes that all spools of one worker may hold together, in memory and on disk, before appends wait. */
export const workerSpoolBytes = 4 * 1024 * 1024 * 1024

/** Memory that spools of one worker borrow together beyond what each may hold anyway. */
export const workerLoanBytes = 32 * 1024 * 1024

interface Waiter {
  bytes: number
  resolve: () => void
}

/**
 * Bounds what the spools of a worker hold together. An append over the bound waits until another spool is dropped; one
 * spool at a time, the one that met the bound first, always goes on, so that full spools cannot wait for each other.
 */
export class SpoolPool {
  readonly limit: number
  readonly #mostLent: number
  #used = 0
  #lent = 0
  #exempt: object | null = null
  readonly #waiters = new Map<object, Waiter>()

  /** @param mostLent memory that spools may borrow together */
  constructor(limit: number = workerSpoolBytes, mostLent = 0) {
    this.limit = limit
    this.#mostLent = mostLent
  }

  get lent(): number {
    return this.#lent
  }

  /** Lends memory while there is some; never waits, as a spool has its file to go to. */
  borrow(bytes: number): boolean {
    if (this.#lent + bytes > this.#mostLent) return false
    this.#lent += bytes
    return true
  }

  repay(bytes: number): void {
    this.#lent -= bytes
  }

  get used(): number {
    return this.#used
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /** Books bytes for `owner`, after a wait when they don't fit. Rejects with the signal's reason when aborted. */
  async take(owner: object, bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#fits(owner, bytes)) await this.#wait(owner, bytes, signal)
    else this.#used += bytes
  }

  /** Gives back what a dropped spool held and lets those go on that now fit, in the order they came. */
  release(owner: object, bytes: number): void {
    this.#used -= bytes
    if (this.#exempt === owner) this.#exempt = null
    for (const [waiting, waiter] of this.#waiters) {
      if (!this.#fits(waiting, waiter.bytes)) break
      this.#waiters.delete(waiting)
      this.#used += waiter.bytes
      waiter.resolve()
    }
  }

  #fits(owner: object, bytes: number): boolean {
    if (this.#used + bytes <= this.limit) return true
    this.#exempt ??= owner
    return this.#exempt === owner
  }

  #wait(owner: object, bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.delete(owner)
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiters.set(owner, {
        bytes,
        resolve: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      })
    })
  }
}
