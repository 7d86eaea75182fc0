import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  /** how long at most; the wait then rejects */
  withinMs?: number
  /** pause between two looks */
  everyMs?: number
}

/** Long enough for a loaded machine; a passing test never waits for it. */
const patienceMs = 60_000

/**
 * Looks again and again until `look` gives something truthy, and returns that. For conditions that
 * announce themselves by no event: another process's files, an HTTP answer. A `look` that throws counts
 * as "not yet"; its last error is the cause when the time is over.
 */
export async function waitFor<T>(
  what: string,
  look: () => T | Promise<T>,
  { withinMs = patienceMs, everyMs = 20 }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const endAt = performance.now() + withinMs
  for (;;) {
    let cause: unknown
    try {
      const found = await look()
      if (found) return found
    } catch (error) {
      cause = error
    }
    if (performance.now() > endAt) {
      throw new Error(`waited ${withinMs} ms in vain: ${what}`, { cause })
    }
    await delay(everyMs)
  }
}

/** The promise, or a rejection that names what took too long. */
export async function within<T>(what: string, promise: Promise<T>, ms = patienceMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${ms} ms: ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
