import { sabotage } from '../../../schema/sabotage.ts'
import { BoundsIndex } from './bounds-index.ts'
import type {
  AbortLine,
  ClaimLine,
  ClearLine,
  CommitLine,
  DoneLine,
  LedgerLine,
  LineBounds,
  ShrunkLine,
  StateLine,
} from './ledger-line.ts'

/** Epoch ms, half-open; a full read has infinite ones. */
export interface Bounds {
  start: number
  end: number
}

/** A valid commit and its place in the log. */
export interface Commit extends CommitLine {
  order: number
}

/** What the log says of one range. */
export interface RangeEntry extends Bounds {
  /** highest claimed so far; survives `clear`, so that fences only ever rise */
  fence: number
  /** token of the attempt that may commit; null after a clear */
  claim: string | null
  commit: Commit | null
  /** the commit's files are in place and what it replaced is gone */
  done: boolean
  /** paths that the commit replaces, to be removed before it is done */
  removals: string[]
  /** an attempt since the last commit read far fewer rows than are committed */
  shrunk: boolean
  /** claims that may have left temp files */
  unsettled: ClaimLine[]
}

const noFence = 0
const noToken = '000000000000'

/**
 * What a ledger's lines mean, in their order, which alone decides:
 * a claim counts if its fence is higher than any before it over the same time; a commit counts if its attempt holds the
 * last claim over its time; a range's files are live until later commits cover all of its time.
 */
export class Ledger {
  readonly #ranges = new Map<string, RangeEntry>()
  readonly #index = new BoundsIndex<RangeEntry>()
  #order = 0
  /** Paths that a `clear` without `cleared` still has to remove; null when there is none. */
  clearing: { token: string; paths: string[] } | null = null

  /** The range's entry; null when the log has none. */
  entry(bounds: Bounds): RangeEntry | null {
    return this.#ranges.get(keyOf(bounds)) ?? null
  }

  /** Fence that a claim of this range needs now to count. */
  nextFence(bounds: Bounds, offered: number): number {
    let highest = Math.max(offered, this.entry(bounds)?.fence ?? noFence)
    for (const other of this.#index.overlapping(bounds)) highest = Math.max(highest, other.fence)
    return highest + 1
  }

  /** Whether another range over this time has a live file at that path. */
  isTaken(path: string, by: Bounds): boolean {
    for (const other of this.#index.overlapping(by)) {
      if (keyOf(other) !== keyOf(by) && hasFile(other, path)) return true
    }
    return false
  }

  /** Whether any range over this time has a live file at that path: such a file is not to be removed. */
  isLive(path: string, near: Bounds): boolean {
    for (const other of this.#index.overlapping(near)) if (hasFile(other, path)) return true
    return false
  }

  /** Live files of all ranges, by path. */
  livePaths(): Set<string> {
    const paths = new Set<string>()
    for (const { commit } of this.#ranges.values()) {
      for (const { path } of commit?.files ?? []) paths.add(path)
    }
    return paths
  }

  /** How many lines would say all this. */
  get size(): number {
    return this.#ranges.size + 1
  }

  /** Lines that say all this, for a new file; in the order of the commits, which coverage hangs on. */
  *lines(): Generator<LedgerLine> {
    const ranges = [...this.#ranges.values()]
    ranges.sort((a, b) => (a.commit?.order ?? 0) - (b.commit?.order ?? 0))
    for (const range of ranges) {
      const { start, end, ...state } = range
      yield { kind: 'state', ...textOf({ start, end }), token: noToken, ...state }
    }
    if (this.clearing) yield { kind: 'clearing', ...this.clearing }
  }

  apply(line: LedgerLine): void {
    this.#order += 1
    if (line.kind === 'claim') this.#claim(line)
    else if (line.kind === 'commit') this.#commit(line)
    else if (line.kind === 'done') this.#done(line)
    else if (line.kind === 'abort') this.#abort(line)
    else if (line.kind === 'shrunk') this.#shrunk(line)
    else if (line.kind === 'clear') this.#clear(line)
    else if (line.kind === 'cleared') this.#cleared(line.token)
    else if (line.kind === 'state') this.#state(line)
    else if (line.kind === 'clearing') this.clearing = { token: line.token, paths: line.paths }
  }

  #claim(line: ClaimLine): void {
    const bounds = boundsOf(line)
    if (line.fence < this.nextFence(bounds, noFence)) return
    const range = this.#open(bounds)
    range.fence = line.fence
    range.claim = line.token
    range.unsettled.push(line)
  }

  #commit(line: CommitLine): void {
    const range = this.entry(boundsOf(line))
    if (!range || !holdsClaim(range, line)) return
    const others = [...this.#index.overlapping(range)].filter((other) => other !== range)
    if (others.some((other) => other.fence > range.fence)) return
    const removals = new Set(replacedPaths(range))
    range.commit = { ...line, order: this.#order }
    range.done = false
    range.shrunk = false
    for (const other of others) {
      if (!other.commit || !isCovered(other, this.#index.overlapping(other))) continue
      for (const path of replacedPaths(other)) removals.add(path)
      other.commit = null
      other.removals = []
    }
    range.removals = [...removals].filter((path) => !this.isLive(path, range))
  }

  #done(line: DoneLine): void {
    const range = this.entry(boundsOf(line))
    if (!range) return
    range.unsettled = range.unsettled.filter((claim) => claim.fence > line.fence)
    if (range.commit?.fence !== line.fence) return
    range.done = true
    range.removals = []
  }

  #abort(line: AbortLine): void {
    const range = this.entry(boundsOf(line))
    if (range) range.unsettled = range.unsettled.filter((claim) => claim.token !== line.token)
  }

  #shrunk(line: ShrunkLine): void {
    const range = this.entry(boundsOf(line))
    if (range?.claim === line.token) range.shrunk = true
  }

  #clear({ token, ranges }: ClearLine): void {
    const paths = new Set(this.clearing?.paths)
    const cleared = ranges
      ? ranges.flatMap((bounds) => this.entry(boundsOf(bounds)) ?? [])
      : this.#ranges.values()
    for (const range of cleared) {
      for (const path of replacedPaths(range)) paths.add(path)
      range.commit = null
      range.claim = null
      range.removals = []
      range.done = false
      range.shrunk = false
    }
    this.clearing = { token, paths: [...paths] }
  }

  #cleared(token: string): void {
    if (this.clearing?.token === token) this.clearing = null
  }

  #state({ fence, claim, commit, done, shrunk, removals, unsettled, ...line }: StateLine): void {
    const range = this.#open(boundsOf(line))
    const placed = commit && { ...commit, order: this.#order }
    Object.assign(range, { fence, claim, commit: placed, done, shrunk, removals, unsettled })
  }

  #open(bounds: Bounds): RangeEntry {
    const key = keyOf(bounds)
    const found = this.#ranges.get(key)
    if (found) return found
    const range: RangeEntry = {
      ...bounds,
      fence: noFence,
      claim: null,
      commit: null,
      done: false,
      removals: [],
      shrunk: false,
      unsettled: [],
    }
    this.#ranges.set(key, range)
    this.#index.add(range)
    return range
  }
}

/** A line's bounds as numbers. */
export function boundsOf({ start, end }: LineBounds): Bounds {
  if (start === null || end === null) return { start: -Infinity, end: Infinity }
  return { start: Date.parse(start), end: Date.parse(end) }
}

/** The inverse of `boundsOf`. */
function textOf({ start, end }: Bounds): LineBounds {
  if (!Number.isFinite(start)) return { start: null, end: null }
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() }
}

const keyOf = ({ start, end }: Bounds): string => `${start}/${end}`

const hasFile = (range: RangeEntry, path: string): boolean =>
  range.commit?.files.some((file) => file.path === path) ?? false

/** The fence: only the last attempt to claim a range may commit it. A sabotaged build lets any attempt. */
function holdsClaim(range: RangeEntry, { token, fence }: CommitLine): boolean {
  return sabotage === 'no_fence' || (range.claim === token && range.fence === fence)
}

/** All that may lie on disk of what a range holds now: its files, those not yet renamed, those not yet removed. */
function replacedPaths({ commit, done, removals }: RangeEntry): string[] {
  const files = commit?.files ?? []
  const temps = done ? [] : files.map((file) => file.temp)
  return [...files.map((file) => file.path), ...temps, ...removals]
}

/** Whether commits later than a range's own cover its whole time. */
function isCovered(range: RangeEntry, others: Iterable<RangeEntry>): boolean {
  const order = range.commit?.order ?? 0
  const later = [...others]
    .filter((other) => other !== range && (other.commit?.order ?? 0) > order)
    .sort((a, b) => a.start - b.start)
  let reached = range.start
  for (const other of later) if (other.start <= reached) reached = Math.max(reached, other.end)
  return reached >= range.end
}
