import { setTimeout as sleep } from 'node:timers/promises'
import { toFailure } from '../../schema/error.ts'
import type { RangeWriter } from './writer.ts'

/**
 * Tries of one claim, or of one commit from the same spool; after the last one the range fails and is read again. Together
 * they outlast a server that starts again.
 */
export const mostCommitTries = 10
const firstWaitMs = 200
const longestWaitMs = 5000

/**
 * Runs `act`, a claim or a commit, until it holds, again after transient failures (network, rate_limit, and those that the writer names),
 * with full jitter in doubling waits. Any other failure, or the last one, is thrown.
 */
export async function repeatTransient<T>(
  act: () => Promise<T>,
  isTransient: RangeWriter['isTransient'],
  signal: AbortSignal,
  random: () => number = Math.random,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await act()
    } catch (error) {
      const { category, retry_after_ms } = toFailure(error)
      const transient = category === 'network' || category === 'rate_limit' || isTransient?.(error)
      if (!transient || tries >= mostCommitTries || signal.aborted) throw error
      const ceiling = Math.min(longestWaitMs, firstWaitMs * 2 ** (tries - 1))
      await sleep(Math.min(longestWaitMs, retry_after_ms ?? ceiling * random()), undefined, {
        signal,
      })
    }
  }
}
