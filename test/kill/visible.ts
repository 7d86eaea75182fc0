import type { StreamName } from '../../actors/simulator/shop.ts'

/** What a reader of the destination sees of one range. */
export interface VisibleRange {
  /** epoch ms, or `full` */
  start: RangeStart
  rows: VisibleRow[]
  /** where they lie, for messages */
  places: string[]
}

export type RangeStart = number | 'full'

export interface VisibleRow {
  key: string
  /** canonical, without what Derrick adds */
  record: string
  digest: string
  /** when the attempt that last changed the row began to read, epoch ms */
  syncedAt: number
}

/** What the destination's own ledger says of a range's last commit. */
export interface VisibleReceipt {
  fetchedFrom: number
  rows: number
}

export interface VisibleStream {
  ranges: Map<RangeStart, VisibleRange>
  /** what no reader should meet: lines that are no JSON, keys that are there twice, unknown files */
  oddities: string[]
  /** by range, where the destination tells its readers */
  receipts?: Map<RangeStart, VisibleReceipt>
}

/** Reads a destination as any program would, past Derrick. One implementation a type of destination. */
export interface CommittedReader {
  /**
   * `range`: each range holds what its own last read gave. `key`: a record is there once, in the range that has its newest
   * version; the others let go of it.
   */
  ownership: 'range' | 'key'
  /** one text for all records that mean the same there */
  canonical(json: string): string
  /** What is visible now, in one snapshot. */
  read(stream: StreamName): Promise<VisibleStream>
  /** Things of dead attempts that must be gone once everything came to rest. */
  leftovers(): Promise<string[]>
}

/** Streams whose records move on to later ranges as they change. */
export const movingStreams: ReadonlySet<string> = new Set<StreamName>(['orders', 'customers'])
