import { expectedAll, expectedRecords } from '../../actors/simulator/oracle.ts'
import type { ShopOptions, StreamName } from '../../actors/simulator/shop.ts'
import { canonicalRecord, digestOf } from './canonical.ts'
import type { ClockLog } from './clock-log.ts'
import type { VisibleRange, VisibleRow, VisibleStream } from './file-records.ts'
import type { LedgerRange } from './ledger.ts'

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
  /** the ledger's file is damaged */
  'integrity',
] as const
export type Rule = (typeof rules)[number]

/** Compares destination and ledger with the truth, range by range. */
export class Judge {
  readonly #shop: ShopOptions
  readonly #clock: ClockLog
  readonly #truths = new Map<string, Truth>()
  /** ranges compared with the truth so far */
  compared = 0

  constructor(shop: ShopOptions, clock: ClockLog) {
    this.#shop = shop
    this.#clock = clock
  }

  /** What must hold at any instant, also while nothing runs after a kill. */
  stream(name: StreamName, ledger: readonly LedgerRange[], visible: VisibleStream): Violation[] {
    const found: Violation[] = visible.oddities.map((detail) =>
      violation('strange', name, '', detail),
    )
    const known = new Set<number | 'full'>()
    for (const range of ledger) {
      const start = range.kind === 'full' ? 'full' : range.start
      known.add(start)
      const problem = this.#range(name, range, visible.ranges.get(start))
      if (problem) found.push(problem)
    }
    for (const { start, files } of visible.ranges.values()) {
      if (known.has(start)) continue
      found.push(violation('strange', name, String(start), `no such range: ${files.join(', ')}`))
    }
    return found
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
      const rows = visible.ranges.get(range.kind === 'full' ? 'full' : range.start)?.rows ?? []
      const now = this.#clock.now()
      this.compared += 1
      if (isTruth(rows, this.#truth(name, range, now))) return []
      const difference = this.#difference(name, range, rows, now)
      return [violation('wrong-content', name, whereText(range), difference)]
    })
  }

  #range(name: StreamName, range: LedgerRange, seen: VisibleRange | undefined): Violation | null {
    const rows = seen?.rows ?? []
    if (range.committedAt === null && rows.length === 0) return null
    const changedAt = Math.max(0, ...rows.map(({ syncedAt }) => syncedAt))
    // What the ledger knows of, or what a later attempt committed without the ledger knowing yet.
    const knownFrom = range.committedAt === null ? changedAt : (range.fetchedFrom ?? 0)
    const allowed = this.#clock.since(Math.max(knownFrom, changedAt))
    this.compared += 1
    if (!allowed.some((asOf) => isTruth(rows, this.#truth(name, range, asOf)))) {
      return this.#wrong(name, range, rows, allowed[0] ?? 0)
    }
    const early = rows.find(
      ({ digest, syncedAt }) => !this.#truth(name, range, this.#clock.at(syncedAt)).has(digest),
    )
    if (!early) return null
    const detail = `${isoText(early.syncedAt)}: ${early.record.slice(0, sampleLength)}`
    return violation('wrong-time', name, whereText(range), detail)
  }

  /** Names what is wrong with rows that are not the truth of any time they could be of. */
  #wrong(name: StreamName, range: LedgerRange, rows: VisibleRow[], asOfMs: number): Violation {
    const older = this.#clock.all().find((asOf) => isTruth(rows, this.#truth(name, range, asOf)))
    const difference = this.#difference(name, range, rows, asOfMs)
    const lost = rows.length === 0 || older !== undefined
    if (range.committedAt === null || !lost) {
      return violation('wrong-content', name, whereText(range), difference)
    }
    const detail = older === undefined ? difference : `as of ${isoText(older)}: ${difference}`
    return violation('committed-but-absent', name, whereText(range), detail)
  }

  /** Digests of what the source shows of a range. */
  #truth(name: StreamName, range: LedgerRange, asOfMs: number): Truth {
    const key = `${name} ${range.kind} ${range.start} ${range.end} ${asOfMs}`
    const known = this.#truths.get(key)
    if (known) return known
    const truth = new Set(this.#records(name, range, asOfMs).map(digestOf))
    this.#truths.set(key, truth)
    return truth
  }

  #records(name: StreamName, range: LedgerRange, asOfMs: number): string[] {
    const expected =
      range.kind === 'full'
        ? expectedAll(this.#shop, name, asOfMs)
        : expectedRecords(this.#shop, name, range, asOfMs)
    return expected.map(({ json }) => canonicalRecord(json))
  }

  #difference(name: StreamName, range: LedgerRange, rows: VisibleRow[], asOfMs: number): string {
    const truth = this.#records(name, range, asOfMs)
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

type Truth = ReadonlySet<string>

const sampleLength = 160

const isTruth = (rows: VisibleRow[], truth: Truth): boolean =>
  rows.length === truth.size &&
  new Set(rows.map(({ digest }) => digest)).size === rows.length &&
  rows.every(({ digest }) => truth.has(digest))

export function violation(rule: Rule, stream: string, range: string, detail: string): Violation {
  return { rule, stream, range, detail }
}

const isoText = (ms: number): string => new Date(ms).toISOString()

const whereText = ({ kind, start }: LedgerRange): string =>
  kind === 'full' ? 'full' : isoText(start)
