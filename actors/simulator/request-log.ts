/** What was asked of the shop, for tests that judge a reader by its requests. */
export interface LoggedRequest {
  /** counts from 1 */
  serial: number
  /** real epoch ms */
  atMs: number
  stream: string | null
  path: string
  params: Record<string, string>
  /** 1 for the first page of a read; null where there are no pages */
  page: number | null
  /** 0 while it is not answered or when the socket was cut before the headers */
  status: number
  ms: number
  /** id of the fault that was played on it */
  fault: string | null
}

export interface RequestLog {
  begin(stream: string | null, path: string, params: URLSearchParams): LoggedRequest
  end(request: LoggedRequest): void
  served(stream: string, records: number, bytes: number): void
  requests(after: number): LoggedRequest[]
  stats(): ShopStats
  clear(): void
}

export interface StreamStats {
  requests: number
  records: number
  bytes: number
  inFlight: number
  inFlightHigh: number
}

export interface ShopStats extends StreamStats {
  streams: Record<string, StreamStats>
}

/** Requests kept; the oldest go first. */
const maxKept = 20_000

function noStats(): StreamStats {
  return { requests: 0, records: 0, bytes: 0, inFlight: 0, inFlightHigh: 0 }
}

export function createRequestLog(): RequestLog {
  let kept: LoggedRequest[] = []
  let serial = 0
  let all = noStats()
  let streams = new Map<string, StreamStats>()
  const statsOf = (stream: string): StreamStats => {
    const found = streams.get(stream) ?? noStats()
    streams.set(stream, found)
    return found
  }
  const enter = (stats: StreamStats): void => {
    stats.requests += 1
    stats.inFlight += 1
    stats.inFlightHigh = Math.max(stats.inFlightHigh, stats.inFlight)
  }
  return {
    begin(stream, path, params) {
      serial += 1
      const request: LoggedRequest = {
        serial,
        atMs: Date.now(),
        stream,
        path,
        params: Object.fromEntries(params),
        page: null,
        status: 0,
        ms: 0,
        fault: null,
      }
      kept.push(request)
      // in halves, so that a busy shop does not copy the list at every request
      if (kept.length >= 2 * maxKept) kept = kept.slice(-maxKept)
      enter(all)
      if (stream !== null) enter(statsOf(stream))
      return request
    },
    end(request) {
      request.ms = Date.now() - request.atMs
      all.inFlight -= 1
      if (request.stream !== null) statsOf(request.stream).inFlight -= 1
    },
    served(stream, records, bytes) {
      for (const stats of [all, statsOf(stream)]) {
        stats.records += records
        stats.bytes += bytes
      }
    },
    requests: (after) => kept.filter((request) => request.serial > after).slice(-maxKept),
    stats: () => ({ ...all, streams: Object.fromEntries(streams) }),
    clear() {
      kept = []
      // what is in flight now ends later and must not count below nothing
      all = { ...noStats(), inFlight: all.inFlight, inFlightHigh: all.inFlight }
      streams = new Map(
        [...streams].map(([name, { inFlight }]) => [
          name,
          { ...noStats(), inFlight, inFlightHigh: inFlight },
        ]),
      )
    },
  }
}
