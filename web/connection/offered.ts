import type { StreamCapabilities } from '../../schema/manifest/capabilities.ts'
import type { Granularity, Stream, SyncStrategy } from '../../schema/stream.ts'

/** A stream that a source's connector offers, as `GET /sources/{id}/streams` says it; the source's config may leave it out. */
export type OfferedStream = { name: string; enabled: boolean } & StreamCapabilities

/** Why newest_first can't be chosen, as the connector says it; undefined when it can. */
export function newestFirstOff(offered: OfferedStream | undefined): string | undefined {
  if (!offered || offered.newest_first) return undefined
  return offered.newest_first_reason ?? 'the API can’t be asked for one range alone'
}

/** The wanted size of a range if the API honours it, else its own; undefined for full reads. */
export function granularityOf(
  offered: OfferedStream | undefined,
  wanted: Granularity,
): Granularity | undefined {
  if (!offered) return wanted
  return offered.granularities.includes(wanted) ? wanted : offered.granularities[0]
}

/** What is chosen for one offered stream in the form of a new connection. */
export interface StreamChoice {
  name: string
  chosen: boolean
  strategy: SyncStrategy
}

/** All offered streams, those not yet in the connection chosen; newest first where it works. */
export function choicesOf(
  offered: readonly OfferedStream[],
  existing: readonly Pick<Stream, 'source_stream'>[],
): StreamChoice[] {
  const taken = new Set(existing.map((stream) => stream.source_stream))
  return offered
    .filter((stream) => stream.enabled && !taken.has(stream.name))
    .map((stream) => ({
      name: stream.name,
      chosen: taken.size === 0,
      strategy: newestFirstOff(stream) ? 'oldest_first' : 'newest_first',
    }))
}

export const schedules = [
  { value: '', label: 'only by hand' },
  { value: '*/5 * * * *', label: 'every 5 min' },
  { value: '*/15 * * * *', label: 'every 15 min' },
  { value: '7 * * * *', label: 'hourly' },
  { value: '7 */6 * * *', label: 'every 6 h' },
  { value: '7 3 * * *', label: 'daily at 03:07' },
] as const
