import type { JobRange, Target } from '../../../schema/protocol.ts'
import { isOwnPath } from './layout.ts'

/** A data file of a commit. Paths are relative to the destination's folder, with `/`. */
export interface LedgerFile {
  /** where it lay before the commit became visible */
  temp: string
  path: string
  bytes: number
  records: number
}

/** Half-open, RFC 3339; both null for a full read. */
export interface LineBounds {
  start: string | null
  end: string | null
}

export function lineBounds({ kind, start, end }: JobRange): LineBounds {
  if (kind === 'full') return { start: null, end: null }
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() }
}

export interface ClaimLine extends LineBounds {
  kind: 'claim'
  fence: number
  token: string
  /** the temp files of this attempt are `<folder>/.derrick-<name>-<fence>-<token>-<part>.tmp` */
  folder: string
  name: string
}

export interface CommitLine extends LineBounds {
  kind: 'commit'
  fence: number
  token: string
  files: LedgerFile[]
  records: number
  bytes: number
  rows_changed: number | null
  checksum: string
  fetched_from: string
  committed_at: string
}

/** `done`: the commit's files are in place and what they replace is gone. `abort`: the attempt left no temp files. */
interface EndLine<K extends string> extends LineBounds {
  kind: K
  fence: number
  token: string
}
export type DoneLine = EndLine<'done'>
export type AbortLine = EndLine<'abort'>
/** This attempt read far fewer rows than are committed; a later one may commit them. */
export type ShrunkLine = EndLine<'shrunk'>

/**
 * `clear` voids every claim and commit before it, with `ranges` only those of these ranges; `cleared`: the files of those are
 * gone.
 */
export interface ClearLine {
  kind: 'clear'
  token: string
  ranges?: LineBounds[]
}
export interface ClearedLine {
  kind: 'cleared'
  token: string
}

/** Ends a file: see `ledger-files.ts`. */
export interface SealLine {
  kind: 'seal'
  token: string
}

/** First lines of a file that follows another: all that was known of one range. */
export interface StateLine extends LineBounds {
  kind: 'state'
  token: string
  fence: number
  claim: string | null
  commit: CommitLine | null
  done: boolean
  shrunk: boolean
  removals: string[]
  unsettled: ClaimLine[]
}

/** As `state`, for a `clear` that is not finished. */
export interface ClearingLine {
  kind: 'clearing'
  token: string
  paths: string[]
}

export type LedgerLine =
  | SealLine
  | StateLine
  | ClearingLine
  | ClaimLine
  | CommitLine
  | DoneLine
  | AbortLine
  | ShrunkLine
  | ClearLine
  | ClearedLine

/**
 * A line as it was written, or null when it is torn, foreign, or names a path outside this stream's folder: such lines
 * count as never written.
 */
export function parseLine(text: string, target: Target): LedgerLine | null {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof line !== 'object' || line === null) return null
  const fields = line as Record<string, unknown>
  if (typeof fields.token !== 'string' || !/^[0-9a-f]{12}$/.test(fields.token)) return null
  if (bareKinds.includes(String(fields.kind))) return line as LedgerLine
  if (fields.kind === 'clear') return isClear(fields) ? (line as ClearLine) : null
  if (fields.kind === 'clearing')
    return arePaths(fields.paths, target) ? (line as ClearingLine) : null
  if (!isFence(fields.fence) || !areBounds(fields)) return null
  if (endKinds.includes(String(fields.kind))) return line as LedgerLine
  if (fields.kind === 'claim') return isClaim(fields, target) ? (line as ClaimLine) : null
  if (fields.kind === 'commit') return isCommit(fields, target) ? (line as CommitLine) : null
  if (fields.kind === 'state') return isState(fields, target) ? (line as StateLine) : null
  return null
}

const bareKinds = ['cleared', 'seal']
const endKinds = ['done', 'abort', 'shrunk']

const isFence = (value: unknown): value is number => Number.isSafeInteger(value)

const isInstant = (value: unknown): boolean =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value))

const areBounds = ({ start, end }: Record<string, unknown>): boolean =>
  (start === null && end === null) || (isInstant(start) && isInstant(end))

const isClear = ({ ranges }: Record<string, unknown>): boolean =>
  ranges === undefined ||
  (Array.isArray(ranges) &&
    ranges.every((one) => typeof one === 'object' && one !== null && areBounds(one)))

const isClaim = ({ folder, name }: Record<string, unknown>, target: Target): boolean =>
  typeof folder === 'string' &&
  typeof name === 'string' &&
  !name.includes('/') &&
  isOwnPath(`${folder}/${name}`, target)

const isCommit = (fields: Record<string, unknown>, target: Target): boolean =>
  Array.isArray(fields.files) &&
  fields.files.every((file: unknown) => isFile(file, target)) &&
  Number.isSafeInteger(fields.records) &&
  Number.isSafeInteger(fields.bytes) &&
  (fields.rows_changed === null || Number.isSafeInteger(fields.rows_changed)) &&
  typeof fields.checksum === 'string' &&
  isInstant(fields.fetched_from) &&
  isInstant(fields.committed_at)

const arePaths = (value: unknown, target: Target): boolean =>
  Array.isArray(value) &&
  value.every((path: unknown) => typeof path === 'string' && isOwnPath(path, target))

const isState = (fields: Record<string, unknown>, target: Target): boolean =>
  (fields.claim === null || typeof fields.claim === 'string') &&
  typeof fields.done === 'boolean' &&
  typeof fields.shrunk === 'boolean' &&
  arePaths(fields.removals, target) &&
  (fields.commit === null || isLine(fields.commit, 'commit', target)) &&
  Array.isArray(fields.unsettled) &&
  fields.unsettled.every((claim: unknown) => isLine(claim, 'claim', target))

/** A line within a line. */
const isLine = (value: unknown, kind: LedgerLine['kind'], target: Target): boolean =>
  parseLine(JSON.stringify(value), target)?.kind === kind

function isFile(value: unknown, target: Target): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { temp, path, bytes, records } = value as Record<string, unknown>
  return (
    typeof temp === 'string' &&
    typeof path === 'string' &&
    isOwnPath(temp, target) &&
    isOwnPath(path, target) &&
    Number.isSafeInteger(bytes) &&
    Number.isSafeInteger(records)
  )
}
