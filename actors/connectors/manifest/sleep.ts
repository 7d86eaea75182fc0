/** Passes in as clock, so that a simulator can let years go by in a moment. */
export interface Clock {
  /** epoch ms */
  now(): number
  /** Resolves after a time; rejects with the signal's reason when it aborts, at once. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** setTimeout takes no longer wait. */
const longestMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const stop = (): void => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      const timer = setTimeout(
        () => {
          signal.removeEventListener('abort', stop)
          resolve()
        },
        Math.min(ms, longestMs),
      )
      signal.addEventListener('abort', stop, { once: true })
    }),
}
