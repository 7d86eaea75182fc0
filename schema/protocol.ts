/**
 * Messages between threads. One union a direction; past tense says that it happened, imperative asks for it.
 * Everything is plain data that survives a structured clone; page bytes are transferred, never copied.
 *
 *   supervisor  --RangeCommand-->  sync actor  --PageCommand-->  destination actor
 *   supervisor  <--RangeEvent----  sync actor  <--PageEvent----  destination actor
 */
import type { ColumnTypes } from './column-type.ts'
import type { DestinationType } from './destination.ts'
import type { Failure } from './error.ts'
import type { Manifest } from './manifest/manifest.ts'
import type { PreviewOrder } from './preview.ts'
import type { Lane, RangeKind } from './range.ts'
import type { FinalityRules } from './revisit.ts'
import type { DeletePolicy, Granularity, WriteMode } from './stream.ts'

/** Where a stream lands. `streamKey` is made of names, so that another machine or a restored backup finds its own. */
export interface Target {
  destinationId: string
  type: DestinationType
  /** decrypted config, already checked against the type's schema */
  config: Record<string, unknown>
  /** changes with the config: actors with an older one are closed when their ranges are done */
  configVersion: number
  streamKey: string
  namespace: string
  /** stream prefix and stream name together */
  table: string
  writeMode: WriteMode
  deletes: DeletePolicy
  /** names of top-level fields or dotted paths; empty when the stream has no key */
  primaryKey: string[]
  /** dotted path of the record's own time, null when the stream has none */
  cursorField: string | null
  /** types that the stream or its connector declares for top-level fields */
  columns?: ColumnTypes
  /** what the cursor tracks; absence of a record proves a delete only for creation, report and full reads */
  tracks: 'updates' | 'creation' | 'report' | 'none'
}

/** The interval that one attempt reads and writes. Times are epoch ms. */
export interface JobRange {
  id: number
  kind: RangeKind
  /** 0 for kind full */
  start: number
  end: number
  granularity: Granularity
  /** zone of the source, for the local date in paths */
  zone: string
  /** fence of the last commit that the supervisor knows of; null when it knows of none, Infinity: read in any case */
  committedFence: number | null
  /** only this part of the range is asked for; absent: all of it */
  part?: ReadPart
  /** when what is read is final, and what was read before, for those who look at the destination */
  finality?: FinalityRules & { fetchedFrom: number | null; unchanged: number }
  /** far fewer records than what they replace are believed */
  force?: boolean
}

/**
 * Why only a part of a range is read. Its records are merged into what is there, and the absence of others proves nothing.
 * `delta`: the range is still open, and was read up to `from`; needs what the supervisor knows to be committed, else all is
 * read. `age`: the source has nothing from before `from`.
 */
export interface ReadPart {
  reason: 'delta' | 'age'
  /** epoch ms */
  from: number
}

/** All that an attempt needs to know; holds secrets, so it is never logged. */
export interface RangeJob {
  runId: string
  streamId: string
  sourceId: string
  range: JobRange
  /** how urgent: requests of fresher lanes go first where an API limits their number */
  lane: Lane
  /** offered fence; the destination issues the real one, always higher than any before */
  offeredFence: number
  connector: { manifest: Manifest; streamName: string }
  config: Record<string, unknown>
  target: Target
  limits: JobLimits
  allowPrivateNetworks: boolean
  /** where spool files go, inside the data dir */
  spoolDir: string
  /** where a full read that is cut leaves its pages to the next attempt; absent: it begins anew */
  resumeDir?: string
  /** where it reads whether its requests are held; absent: they never are */
  hold?: HoldCell
}

/** A word of memory that supervisor and workers share: other than 0 while requests of a range are held. */
export interface HoldCell {
  board: SharedArrayBuffer
  at: number
}

/** Plain data that many jobs share: bytes that no message copies, opened once by each worker. */
export interface SharedPart {
  /** hash of the bytes */
  key: string
  bytes: SharedArrayBuffer
}

/** A job on its way to a worker: what it shares with others is opened there only when that worker does not know it yet. */
export type SentJob = Omit<RangeJob, 'connector' | 'config' | 'target'> & {
  manifest: SharedPart
  setting: SharedPart
}

/** What a `setting` holds beside the manifest; secrets are in it. */
export interface JobSetting {
  streamName: string
  config: Record<string, unknown>
  target: Target
}

export interface JobLimits {
  /** bytes of a range that stay in memory before its spool becomes a file */
  spoolMemoryBytes: number
  /** largest body accepted from an API, decoded */
  maxBodyBytes: number
}

/** What a committed attempt wrote; the supervisor stores it with the range. */
export interface Receipt {
  fence: number
  records: number
  bytes: number
  /** rows that were new or different; null where the destination cannot tell */
  rowsChanged: number | null
  checksum: string
  /** server-independent clock of the reader just before its first request: epoch ms */
  fetchedFrom: number
  committedAt: number
}

/** What was read, proven complete by the reader. */
export interface ReadReport {
  pages: number
  records: number
  checksum: number
  fetchedFrom: number
  /** only a part of the range was read: it is merged into what is there */
  isPart?: boolean
}

export interface Reject {
  reason: string
  /** primary key or position, whatever helps to find it */
  where: string
  /** the record as JSON, cut to a bound */
  sample: string
}

/** Counters of one attempt so far. */
export interface AttemptProgress {
  pages: number
  records: number
  bytes: number
  requests: number
  /** records outside the asked window, dropped because another range owns them */
  dropped: number
  /** hostile values replaced by policy (NUL, lone surrogates) */
  sanitised: number
  rejects: number
}

export type RangeCommand =
  | { kind: 'cancel-range'; reason: 'cancel' | 'stop' }
  | { kind: 'grant-commit-slot' }
  /** its cell says that no request may leave: answered by `range-held` once none is under way */
  | { kind: 'hold-range'; nth: number }
  /** its cell says that requests may leave again */
  | { kind: 'release-range' }

export type RangeEvent<P = unknown> =
  | { kind: 'range-claimed'; fence: number; fetchedFrom: number }
  | { kind: 'range-progressed'; progress: AttemptProgress }
  /** its first request leaves; told of fresh ranges, which others are held for */
  | { kind: 'source-asked' }
  /** answers the nth hold: its source is not asked until it is released */
  | { kind: 'range-held'; nth: number }
  /** `refused`: the API said that it is asked too much */
  | { kind: 'source-waited'; untilMs: number; reason: string; refused: boolean }
  /** this worker's line to the governor of the job's source; the port is transferred */
  | { kind: 'governor-opened'; port: P }
  /** the same to the keeper of the source's sign-in, where that must be stored before it is used */
  | { kind: 'sign-in-opened'; port: P }
  | { kind: 'commit-slot-wanted' }
  | { kind: 'records-rejected'; rejects: Reject[] }
  | { kind: 'schema-changed'; table: string; columns: { name: string; type: string }[] }
  | { kind: 'range-completed'; receipt: Receipt; progress: AttemptProgress; recovered: boolean }
  | { kind: 'range-failed'; failure: Failure; progress: AttemptProgress }
  | { kind: 'range-cancelled'; progress: AttemptProgress }

/**
 * To the governor of a source, over one port a source and worker. `groups` name the limits that count a request
 * (`limitGroup`); sources without limits only hear of pauses.
 */
export type LeaveRequest =
  /** so many more requests wait; fewer when they are given up */
  | { kind: 'leave-wanted'; groups: string[]; lane: Lane; count: number }
  /** granted, and not used in time */
  | { kind: 'leave-returned'; groups: string[]; count: number; untilMs: number }
  | {
      kind: 'request-answered'
      groups: string[]
      /** as it was granted */
      untilMs: number
      startedMs: number
      /** the API said that it was one too many */
      refused: boolean
      seen: SeenLimit[]
    }
  /** the API asked for a wait, which concerns all that read from it */
  | { kind: 'wait-asked'; untilMs: number }

/** What an answer says of one limit: the nth of its group. */
export interface SeenLimit {
  group: string
  nth: number
  left: number | null
  limit: number | null
  resetMs: number | null
  /** requests should be this far apart for now */
  spacingMs: number
}

export type LeaveAnswer =
  /** so many requests may start until then (epoch ms) */
  | { kind: 'leave-granted'; groups: string[]; lane: Lane; count: number; untilMs: number }
  | { kind: 'source-paused'; untilMs: number }

/** An access token as an API issued it. */
export interface IssuedToken {
  value: string
  /** epoch ms; null when nobody says */
  expiresAt: number | null
  /** kept from the token answer for requests */
  saved: Record<string, unknown>
}

/**
 * To the keeper of a source's sign-in, over one port a source and worker. Where each renewal uses up the secret that it is made
 * with, one worker renews at a time, and nobody uses a token before its successor's secret is stored. Holds secrets: never logged.
 */
export type SignInRequest =
  /** a token is needed, other than one that no longer works */
  | { kind: 'sign-in-wanted'; stale: string | null }
  /** by whom the lease was given to; `secrets` are the config's fields that changed */
  | { kind: 'sign-in-renewed'; token: IssuedToken; secrets: Record<string, string> }
  | { kind: 'sign-in-failed' }

export type SignInAnswer =
  | { kind: 'sign-in-known'; token: IssuedToken }
  /** renew it yourself: these are the secrets as they are now */
  | { kind: 'sign-in-leased'; secrets: Record<string, unknown> }
  | { kind: 'sign-in-refused'; failure: Failure }

/** What an encoder says of one page beside its bytes. Kept small: it is cloned with every page. */
export interface PageMeta {
  /** column names and types for destinations that load columns; empty for row formats */
  columns: { name: string; type: string }[]
  /** sequence numbers (within the attempt) of earlier records that a record of this page replaces (same key) */
  superseded: number[]
  /** crc32 of the page's bytes as they were encoded; compared whenever the spool gives them back */
  crc: number
}

export type PageCommand =
  | {
      kind: 'begin-range'
      target: Target
      range: JobRange
      offeredFence: number
      spoolDir: string
      limits: JobLimits
    }
  | {
      kind: 'write-page'
      pageNo: number
      recordCount: number
      checksum: number
      meta: PageMeta
      bytes: Uint8Array<ArrayBuffer>
    }
  | ({ kind: 'commit-range' } & ReadReport)
  | { kind: 'grant-commit-slot' }
  | { kind: 'abort-range' }

export type PageEvent =
  /** `holds`: fence of what is committed of the range */
  | { kind: 'range-begun'; fence: number; holds: number | null }
  /** the crashed attempt before this one had committed after all: nothing is to be read */
  | { kind: 'range-recovered'; receipt: Receipt }
  | { kind: 'page-written'; pageNo: number }
  | { kind: 'commit-slot-wanted' }
  | { kind: 'records-rejected'; rejects: Reject[] }
  | { kind: 'schema-changed'; table: string; columns: { name: string; type: string }[] }
  | { kind: 'range-committed'; receipt: Receipt }
  | { kind: 'range-aborted' }
  | { kind: 'range-write-failed'; failure: Failure }

/** Short jobs of the pool, answered by the task's own promise. Only range jobs talk over a port. */
export type PoolTask<P = unknown> =
  | { kind: 'sync-range'; job: RangeJob; port: P }
  | {
      kind: 'check-source'
      manifest: Manifest
      config: Record<string, unknown>
      allowPrivateNetworks: boolean
      /** a line to the keeper of the source's sign-in, where that changes with each use */
      signIn?: P
    }
  | {
      /** trades the code that a browser brought back for a refresh token */
      kind: 'exchange-code'
      manifest: Manifest
      config: Record<string, unknown>
      code: string
      redirectUri: string
      /** of PKCE */
      verifier: string | null
      allowPrivateNetworks: boolean
    }
  | { kind: 'load-manifests'; files: { file: string; text: string }[] }
  | {
      kind: 'preview-stream'
      manifest: Manifest
      config: Record<string, unknown>
      timezone: string
      order: PreviewOrder
      allowPrivateNetworks: boolean
      /** text of a fixture, instead of a network */
      replay?: string
      record?: boolean
      /** as for `check-source` */
      signIn?: P
    }
  | { kind: 'check-destination'; type: DestinationType; config: Record<string, unknown> }
  | { kind: 'clear-stream'; target: Target }
  /** removes what is committed of some ranges; attempts at them that are under way can't commit any more */
  | { kind: 'clear-ranges'; target: Target; ranges: JobRange[] }
  | { kind: 'close-destination'; destinationId: string }

/** A task as it is sent: ranges go without what their worker may know already. */
export type SentTask<P = unknown> =
  | Exclude<PoolTask<P>, { kind: 'sync-range' }>
  | { kind: 'sync-range'; job: SentJob; port: P }

/** A worker's sign of life, by its thread's number; it comes over the worker's own line, not over a range's. */
export interface Heartbeat {
  heartbeat: number
}

export const heartbeatEveryMs = 5_000

/** Pages that may be under way between a sync actor and its destination actor. */
export const pageCredits = 4
