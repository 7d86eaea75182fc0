import type { ShopOptions, StreamName } from '../../actors/simulator/shop.ts'
import type { ClockLog } from './clock-log.ts'
import type { LedgerRange } from './ledger.ts'
import { type Truth, Truths } from './truths.ts'
import {
  type CommittedReader,
  movingStreams,
  type RangeStart,
  type VisibleReceipt,
  type VisibleRow,
  type VisibleStream,
} from './visible.ts'

/** What was promised and does not hold. */
export interface Violation {
  rule: Rule
  stream: string
  range: string
  detail: string
}

export const rules = [
  /** a range that the ledger calls committed lacks its data, or has older data than the ledger says */
  'committed-but-absent',
  /** what is visible of a range is not what any one read of the source gave */
  'wrong-content',
  /** a row says that it changed at a time when the source did not show it so */
  'wrong-time',
  /** rows or files that belong to nothing */
  'strange',
  /** after everything came to rest something is left of dead attempts */
  'leftover',
  /** after everything came to rest a range is not complete */
  'incomplete',
  /** a reader saw rows of two versions, or a part of one */
  'mixed-versions',
  /** the source was asked again although only the destination had failed */
  'asked-again',
  /** the ledger's file is damaged */
  'integrity',
] as const
export type Rule = (typeof rules)[number]

/** Compares destination and ledger with the truth, range by range. Knows nothing of how a destination stores its rows. */
export class Judge {
  readonly #truths: Truths
  readonly #clock: ClockLog
  readonly #ownership: CommittedReader['ownership']
  /** keys that were visible once, of streams from which nothing ever goes */
  readonly #lasting = new Map<string, Set<string>>()
  /** ranges compared with the truth so far */
  compared = 0

  constructor(
    shop: ShopOptions,
    clock: ClockLog,
    reader: Pick<CommittedReader, 'ownership' | 'canonical'>,
  ) {
    this.#truths = new Truths(shop, reader.canonical)
    this.#clock = clock
    this.#ownership = reader.ownership
  }

  /** What must hold at any instant, also while nothing runs after a kill. */
  stream(name: StreamName, ledger: readonly LedgerRange[], visible: VisibleStream): Violation[] {
    const seen: Seen = { name, visible, owners: ownersOf(visible) }
    const found: Violation[] = visible.oddities.map((detail) =>
      violation('strange', name, '', detail),
    )
    const known = new Set<RangeStart>()
    for (const range of ledger) {
      known.add(startOf(range))
      const problem = this.#range(seen, range)
      if (problem) found.push(problem)
    }
    for (const { start, places } of visible.ranges.values()) {
      if (known.has(start)) continue
      found.push(violation('strange', name, String(start), `no such range: ${places.join(', ')}`))
    }
    return [...found, ...this.#vanished(seen)]
  }

  /** The same, and that every range is complete with what the source shows now. */
  atRest(name: StreamName, ledger: readonly LedgerRange[], visible: VisibleStream): Violation[] {
    const open = ledger.filter(({ status }) => status !== 'complete')
    return [
      ...this.stream(name, ledger, visible),
      ...open.map((range) =>
        violation('incomplete', name, whereText(range), `${range.status} ${range.error ?? ''}`),
      ),
    ]
  }

  /** That all which is visible is as the source shows it now, whenever it was read. */
  upToDate(name: StreamName, ledger: readonly LedgerRange[], visible: VisibleStream): Violation[] {
    return ledger.flatMap((range) => {
      const rows = rowsOf(visible, range)
      const now = this.#clock.now()
      this.compared += 1
      if (isTruth(rows, this.#truths.of(name, range, now))) return []
      const difference = this.#difference(name, range, rows, now)
      return [violation('wrong-content', name, whereText(range), difference)]
    })
  }

  #range(seen: Seen, range: LedgerRange): Violation | null {
    const { name, visible } = seen
    const rows = rowsOf(visible, range)
    const receipt = visible.receipts?.get(startOf(range))
    if (range.committedAt === null && rows.length === 0 && !receipt) return null
    const changedAt = Math.max(0, ...rows.map(({ syncedAt }) => syncedAt))
    this.compared += 1
    if (visible.receipts) {
      const problem = receiptProblem(range, receipt, changedAt)
      if (problem) return violation(problem[0], name, whereText(range), problem[1])
    }
    // What the ledger knows of, or what a later attempt committed without the ledger knowing yet.
    const knownFrom = range.committedAt === null ? changedAt : (range.fetchedFrom ?? 0)
    const allowed = receipt
      ? [this.#clock.at(receipt.fetchedFrom)]
      : this.#clock.since(Math.max(knownFrom, changedAt))
    if (!allowed.some((asOf) => this.#fits(seen, range, asOf))) {
      return this.#wrong(seen, range, allowed[0] ?? 0)
    }
    const early = rows.find(
      ({ key, digest, syncedAt }) =>
        this.#truths.of(name, range, this.#clock.at(syncedAt)).get(key) !== digest,
    )
    if (early) {
      const detail = `${isoText(early.syncedAt)}: ${early.record.slice(0, sampleLength)}`
      return violation('wrong-time', name, whereText(range), detail)
    }
    const expected = this.#truths.of(name, range, allowed[0] ?? 0).size
    if (!receipt || receipt.rows === expected) return null
    const detail = `its receipt says ${receipt.rows} rows where ${expected} were read`
    return violation('wrong-content', name, whereText(range), detail)
  }

  /** Whether what is visible of a range is what a read at that time of the source leaves. */
  #fits({ name, visible, owners }: Seen, range: LedgerRange, asOfMs: number): boolean {
    const truth = this.#truths.of(name, range, asOfMs)
    if (!this.#moves(name)) return isTruth(rowsOf(visible, range), truth)
    // A record that changed since is in a later range; one that had moved on before stays until that range is read.
    return [...truth].every(([key, digest]) => {
      const owner = owners.get(key)
      if (!owner) return false
      return owner.start === range.start
        ? owner.digest === digest
        : Number(owner.start) > range.start
    })
  }

  #moves(name: StreamName): boolean {
    return this.#ownership === 'key' && movingStreams.has(name)
  }

  /** Rows of a stream whose records only ever move on are never gone again. */
  #vanished({ name, owners }: Seen): Violation[] {
    if (!this.#moves(name)) return []
    const lasting = this.#lasting.get(name) ?? new Set()
    this.#lasting.set(name, lasting)
    const gone = [...lasting].filter((key) => !owners.has(key))
    for (const key of gone) lasting.delete(key)
    for (const key of owners.keys()) lasting.add(key)
    return gone.map((key) => violation('wrong-content', name, '', `${key} was there and is gone`))
  }

  /** Names what is wrong with rows that are not the truth of any time they could be of. */
  #wrong(seen: Seen, range: LedgerRange, asOfMs: number): Violation {
    const { name, visible } = seen
    const rows = rowsOf(visible, range)
    const older = this.#clock.all().find((asOf) => this.#fits(seen, range, asOf))
    const difference = this.#difference(name, range, rows, asOfMs)
    const lost = rows.length === 0 || older !== undefined
    if (range.committedAt === null || !lost) {
      return violation('wrong-content', name, whereText(range), difference)
    }
    const detail = older === undefined ? difference : `as of ${isoText(older)}: ${difference}`
    return violation('committed-but-absent', name, whereText(range), detail)
  }

  #difference(
    name: StreamName,
    range: LedgerRange,
    rows: readonly VisibleRow[],
    asOfMs: number,
  ): string {
    const truth = [...this.#truths.records(name, range, asOfMs).values()]
    const seen = rows.map(({ record }) => record)
    const missing = truth.filter((record) => !seen.includes(record))
    const extra = seen.filter((record) => !truth.includes(record))
    const sample = (list: string[]) => (list[0] ? ` (${list[0].slice(0, sampleLength)})` : '')
    return (
      `${rows.length} rows, ${truth.length} expected as of ${isoText(asOfMs)}; ` +
      `${missing.length} missing${sample(missing)}, ${extra.length} extra${sample(extra)}`
    )
  }
}

interface Seen {
  name: StreamName
  visible: VisibleStream
  /** where each key is */
  owners: Map<string, { start: RangeStart; digest: string }>
}

const sampleLength = 160

function ownersOf({ ranges }: VisibleStream): Seen['owners'] {
  const owners: Seen['owners'] = new Map()
  for (const { start, rows } of ranges.values()) {
    for (const { key, digest } of rows) owners.set(key, { start, digest })
  }
  return owners
}

/** What the destination's own ledger says that can't be. */
function receiptProblem(
  range: LedgerRange,
  receipt: VisibleReceipt | undefined,
  changedAt: number,
): [rule: Rule, detail: string] | null {
  const known = range.committedAt === null ? null : (range.fetchedFrom ?? 0)
  if (!receipt) {
    return known === null
      ? ['wrong-content', 'rows of an attempt that has no receipt']
      : ['committed-but-absent', 'the destination has no receipt of it']
  }
  if (known !== null && receipt.fetchedFrom < known) {
    const times = `${isoText(receipt.fetchedFrom)}, not ${isoText(known)}`
    return ['committed-but-absent', `the destination has a receipt of ${times}`]
  }
  if (changedAt > receipt.fetchedFrom) {
    return ['wrong-content', `a row of ${isoText(changedAt)}, which is after its last receipt`]
  }
  return null
}

const startOf = (range: LedgerRange): RangeStart => (range.kind === 'full' ? 'full' : range.start)

const rowsOf = (visible: VisibleStream, range: LedgerRange): readonly VisibleRow[] =>
  visible.ranges.get(startOf(range))?.rows ?? []

const isTruth = (rows: readonly VisibleRow[], truth: Truth): boolean =>
  rows.length === truth.size &&
  new Set(rows.map(({ key }) => key)).size === rows.length &&
  rows.every(({ key, digest }) => truth.get(key) === digest)

export function violation(rule: Rule, stream: string, range: string, detail: string): Violation {
  return { rule, stream, range, detail }
}

const isoText = (ms: number): string => new Date(ms).toISOString()

const whereText = ({ kind, start }: LedgerRange): string =>
  kind === 'full' ? 'full' : isoText(start)
