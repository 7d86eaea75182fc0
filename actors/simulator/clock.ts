/** The shop's time: the machine's own, or standing still where a test put it. */
export interface Clock {
  now(): number
  /** stands still at `ms` from now on */
  freeze(ms: number): void
  /** moves a standing clock on; a running one stands still afterwards */
  advance(ms: number): void
  run(): void
  frozen(): boolean
}

/** A clock that stands at `frozenMs`, or runs when that is undefined. */
export function createClock(frozenMs?: number): Clock {
  let at = frozenMs
  const now = (): number => at ?? Date.now()
  return {
    now,
    freeze(ms) {
      at = ms
    },
    advance(ms) {
      at = now() + ms
    },
    run() {
      at = undefined
    },
    frozen: () => at !== undefined,
  }
}
