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
  /** pages are wanted with the points from which another read could go on */
  isResumable?: boolean
  /** goes on from here instead of the first page; a point of a page of this very stream */
  resume?: ReadPoint
}

/** Where a read goes on: plain data. */
export interface ReadPoint {
  position: {
    number: number
    offset: number
    token: string | number | null
    url: string | null
    size: number | null
  }
  counted: Counted
}

/** What a read has counted so far, to compare with what the API says. */
export interface Counted {
  pages: number
  records: number
  firstTotal: number | null
  lastTotal: number | null
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
  /** where the page after this one begins, null after the last one; absent where a read can't be gone on with */
  point?: ReadPoint | null
}

/** Reads one stream. Manifests and coded connectors both end up here. The iteration ending normally is the proof that the read is complete. */
export interface StreamReader {
  /** whether a read of the whole stream that was cut can be gone on with */
  isResumable?: boolean
  pages(request: ReadRequest): AsyncIterable<ReadPage>
}
