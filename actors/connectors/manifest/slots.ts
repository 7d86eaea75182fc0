/** A number of places; whoever finds none waits for one, first come first served. */
export class Slots {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(count: number) {
    this.#free = count
  }

  /** Waits for a place. The function returned gives it back. Rejects with the signal's reason when that aborts. */
  take(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const enter = (): void => {
        signal.removeEventListener('abort', onAbort)
        let isLeft = false
        resolve(() => {
          if (isLeft) return
          isLeft = true
          const next = this.#waiting.shift()
          if (next) next()
          else this.#free += 1
        })
      }
      const onAbort = (): void => {
        const at = this.#waiting.indexOf(enter)
        if (at >= 0) this.#waiting.splice(at, 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      if (this.#free > 0) {
        this.#free -= 1
        enter()
      } else this.#waiting.push(enter)
    })
  }
}
