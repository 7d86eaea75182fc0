import type { Stream, SyncStrategy } from '../../schema/stream.ts'

/** A stream that a source's connector offers, as `GET /sources/{id}/streams` says it. */
export interface OfferedStream {
  name: string
  path?: string | null
  primary_key?: string[]
  /** the API can filter by an end date */
  end_filter?: boolean
  /** the API can filter by date at all; without it every sync reads all */
  window?: boolean
}

/** Why newest_first can't be chosen; undefined when it can. */
export function newestFirstOff(offered: OfferedStream | undefined): string | undefined {
  if (!offered) return undefined
  if (offered.window === false) {
    return 'This API has no date filter for it: the stream is read whole each time.'
  }
  if (offered.end_filter === false) {
    return 'This API can filter from a date but not up to one, so only oldest first works.'
  }
  return undefined
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
    .filter((stream) => !taken.has(stream.name))
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
