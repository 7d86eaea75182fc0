import type { CheckResult, DestinationType } from '../../schema/destination.ts'
import type {
  JobLimits,
  JobRange,
  PageMeta,
  ReadReport,
  Receipt,
  Reject,
  Target,
} from '../../schema/protocol.ts'
import type { RawRecords, RawWish } from '../raw-records.ts'
import type { Spool } from './spool.ts'

export type { ReadReport } from '../../schema/protocol.ts'

/** A record as it left the connector: own properties only, numbers that would lose digits as JSON.rawJSON. */
export type Row = Record<string, unknown>

/** One page as bytes of the destination's own format. `bytes` owns its whole ArrayBuffer, so that it can be transferred. */
export interface EncodedPage {
  bytes: Uint8Array<ArrayBuffer>
  /** rows in `bytes` (records minus rejects) */
  recordCount: number
  /** order-free sum of the rows' hashes (`row-hash.ts`) */
  checksum: number
  meta: PageMeta
  rejects: Reject[]
  sanitised: number
}

/** Runs in the sync actor: records in, bytes out. One encoder serves one attempt, so it may remember keys and columns. */
export interface PageEncoder {
  /** @param deleted those of the records that the source marks as deleted */
  encode(records: readonly Row[], deleted?: ReadonlySet<Row>): EncodedPage
  /** For formats whose rows are the records' own JSON; the outcome is the same as that of the parsed records. */
  raw?: {
    wish: RawWish
    /** null, and nothing remembered, when these records must come parsed */
    encode(records: RawRecords): EncodedPage | null
  }
}

/** What an encoder must know of its attempt. */
export interface EncodingContext {
  target: Target
  range: JobRange
  /** epoch ms just before the first request; becomes `_derrick_synced_at` */
  fetchedFrom: number
}

export interface RangeContext {
  target: Target
  range: JobRange
  offeredFence: number
  spoolDir: string
  limits: JobLimits
  /** the attempt's pages; made and dropped by the destination actor, filled by `writePage`, replayed by `commit` */
  spool: Spool
  /** aborts waits and writes; a commit past its durable start runs to its end all the same */
  signal: AbortSignal
  /** resolves when the supervisor grants a commit slot; held until the attempt ends, so a second call is free */
  commitSlot: () => Promise<void>
  onRejects: (rejects: Reject[]) => void
  onSchemaChange: (table: string, columns: { name: string; type: string }[]) => void
}

/** A page as it arrives in the destination actor. */
export type SpooledPage = Pick<EncodedPage, 'bytes' | 'recordCount' | 'checksum' | 'meta'>

/** One attempt at one range. Methods are called in order: begin, writePage…, then commit or abort. */
export interface RangeWriter {
  /**
   * Claims the range; called again after a failure that is worth another try. `recovered` when an earlier attempt turns out to have committed what was not yet known to be; `holds`
   * is the fence of what is committed, null or absent when nothing is.
   */
  begin(): Promise<{ fence: number; holds?: number | null; recovered?: Receipt }>
  /** Takes a page over; most writers only append it to `context.spool`. */
  writePage(page: SpooledPage): Promise<void>
  /**
   * Makes the attempt visible whole and once, removes what earlier attempts of this range left, and only then returns. What
   * is a part only (`isPart`) is merged into what is there, where the destination can (`destinationAbilities.merge`).
   * After a failure that is worth another try (`isTransient`) it is called again, with the same report and spool.
   */
  commit(report: ReadReport): Promise<Receipt>
  /** Leaves nothing of this attempt, unless its commit is durable already. Safe to call at any time, also twice. */
  abort(): Promise<void>
  /** Failures of `commit`, beside network and rate_limit, that another try from the spool may mend. */
  isTransient?(error: unknown): boolean
}

/** A destination's outside connection; one a worker and config version, shared by its ranges. */
export interface DestinationWriter {
  openRange(context: RangeContext): RangeWriter
  /** Removes all that this stream ever committed, and nothing else. */
  clear(target: Target): Promise<void>
  /**
   * Removes what is committed of these ranges and nothing else. Attempts at them that have claimed before can't commit any
   * more.
   */
  clearRanges(target: Target, ranges: JobRange[]): Promise<void>
  close(): Promise<void>
}

/** What a destination type brings. Its folder holds `encoder.ts`, `writer.ts`, `check.ts`. */
export interface DestinationKind {
  type: DestinationType
  makeEncoder(context: EncodingContext): PageEncoder
  openWriter(config: Record<string, unknown>): DestinationWriter
  check(config: Record<string, unknown>): Promise<CheckResult>
}
