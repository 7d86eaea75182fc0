import type { Reject } from '../../schema/protocol.ts'
import type { Row } from '../destinations/writer.ts'
import type { RawRecords, RawWish } from '../raw-records.ts'

/** What one attempt asks of a stream. */
export interface ReadRequest {
  /** epoch ms, half-open; null reads the whole stream */
  window: { start: number; end: number } | null
  signal: AbortSignal
  /** called before a wait that the API asked for or our own back-off makes; the wait itself obeys `signal`; `refused`: the API is asked too much */
  onWait: (untilMs: number, reason: string, refused?: boolean) => void
  /** what the caller wants to know of records that it can take unparsed; without it they come parsed */
  raw?: RawWish
}

/** One answer of the API, decoded, filtered and shaped as the manifest says. */
export interface ReadPage {
  /** the caller's; emptied when done with, for the iterators in between still hold the page while the next one is fetched */
  records: Row[]
  /** the records instead, unparsed: only where they were wished for, and nothing changes or looks into them */
  raw?: RawRecords
  /** decoded body size */
  bytes: number
  /** requests that it took, retries included */
  requests: number
  /** records outside the window, left out because another range owns them */
  dropped: number
  /** records of the page that the source marks as deleted */
  deleted?: ReadonlySet<Row>
  /** items that are no records a destination could hold, with the reason; they are not in `records` */
  rejects?: Reject[]
}

/** Reads one stream. Manifests and coded connectors both end up here. The iteration ending normally is the proof that the read is complete. */
export interface StreamReader {
  pages(request: ReadRequest): AsyncIterable<ReadPage>
}
