import type { EngineDeps } from './context.ts'
import type { IsReady } from './run-queue.ts'

/** Which queued runs can start now: those whose source did not ask to wait. Looks at each source once, for hundreds of runs. */
export function readinessOf({ config, now }: Pick<EngineDeps, 'config' | 'now'>): IsReady {
  const bySource = new Map<string, boolean>()
  return ({ streamId, sourceId, notBefore = 0 }) => {
    if (notBefore > now()) return false
    const known = bySource.get(sourceId)
    if (known !== undefined) return known
    const isReady = (config.stream(streamId)?.source.pausedUntil ?? 0) <= now()
    bySource.set(sourceId, isReady)
    return isReady
  }
}
