import { expectedAll, expectedRecords } from '../../actors/simulator/oracle.ts'
import type { ShopOptions, StreamName } from '../../actors/simulator/shop.ts'
import { canonicalRecord, setHash } from './canonical.ts'
import type { ClockLog } from './clock-log.ts'
import type { VisibleRange, VisibleStream } from './file-records.ts'
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
  /** what is visible of a range is not what one read of the source gave */
  'wrong-content',
  /** rows of two attempts are visible together */
  'mixed-attempts',
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
  readonly #expected = new Map<string, { hash: string; count: number }>()
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
      found.push(violation('strange', name, rangeText(start), `no such range: ${files.join(', ')}`))
    }
    return found
  }

  /** The same, and that every range is complete with what the source shows now. */
  atRest(name: StreamName, ledger: readonly LedgerRange[], visible: VisibleStream): Violation[] {
    const open = ledger.filter(({ status }) => status !== 'complete')
    return [
      ...this.stream(name, ledger, visible),
      ...open.map((range) =>
        violation(
          'incomplete',
          name,
          rangeText(range.start),
          `${range.status} ${range.error ?? ''}`,
        ),
      ),
    ]
  }

  /** That all which is visible is as the source shows it now, whenever it was read. */
  upToDate(name: StreamName, ledger: readonly LedgerRange[], visible: VisibleStream): Violation[] {
    return ledger.flatMap((range) => {
      const start = range.kind === 'full' ? ('full' as const) : range.start
      const problem = this.#compare(name, range, visible.ranges.get(start), this.#clock.now())
      return problem ? [problem] : []
    })
  }

  #range(name: StreamName, range: LedgerRange, seen: VisibleRange | undefined): Violation | null {
    const where = rangeText(range.kind === 'full' ? 'full' : range.start)
    const committed = range.committedAt !== null
    const fetchedFrom = range.fetchedFrom ?? 0
    if (!seen) return committed ? this.#absent(name, range, fetchedFrom) : null
    const [syncedAt = 0, ...others] = [...seen.syncedAt].sort((a, b) => a - b)
    if (others.length > 0) {
      return violation('mixed-attempts', name, where, `rows of ${others.length + 1} attempts`)
    }
    if (committed && syncedAt < fetchedFrom) {
      const detail = `read at ${isoText(syncedAt)}, the ledger says ${isoText(fetchedFrom)}`
      return violation('committed-but-absent', name, where, detail)
    }
    return this.#compare(name, range, seen, this.#clock.at(syncedAt))
  }

  /** Nothing is visible: right only if the source had nothing at the read that counts, or at a later one. */
  #absent(name: StreamName, range: LedgerRange, fetchedFrom: number): Violation | null {
    const counts = this.#clock
      .since(fetchedFrom)
      .map((asOf) => this.#truth(name, range, asOf).count)
    this.compared += 1
    if (counts.includes(0)) return null
    const where = rangeText(range.kind === 'full' ? 'full' : range.start)
    const detail = `nothing there, ${counts[0]} records expected`
    return violation('committed-but-absent', name, where, detail)
  }

  #compare(
    name: StreamName,
    range: LedgerRange,
    seen: VisibleRange | undefined,
    asOfMs: number,
  ): Violation | null {
    const truth = this.#truth(name, range, asOfMs)
    this.compared += 1
    const records = seen?.records ?? []
    if (records.length === truth.count && setHash(records) === truth.hash) return null
    const where = rangeText(range.kind === 'full' ? 'full' : range.start)
    return violation('wrong-content', name, where, this.#difference(name, range, records, asOfMs))
  }

  #truth(name: StreamName, range: LedgerRange, asOfMs: number): { hash: string; count: number } {
    const key = `${name} ${range.kind} ${range.start} ${range.end} ${asOfMs}`
    const known = this.#expected.get(key)
    if (known) return known
    const records = this.#records(name, range, asOfMs)
    const truth = { hash: setHash(records), count: records.length }
    this.#expected.set(key, truth)
    return truth
  }

  #records(name: StreamName, range: LedgerRange, asOfMs: number): string[] {
    const expected =
      range.kind === 'full'
        ? expectedAll(this.#shop, name, asOfMs)
        : expectedRecords(this.#shop, name, range, asOfMs)
    return expected.map(({ json }) => canonicalRecord(json))
  }

  #difference(name: StreamName, range: LedgerRange, records: string[], asOfMs: number): string {
    const truth = this.#records(name, range, asOfMs)
    const missing = truth.filter((record) => !records.includes(record))
    const extra = records.filter((record) => !truth.includes(record))
    const sample = (list: string[]) => (list[0] ? ` (${list[0].slice(0, 160)})` : '')
    return (
      `${records.length} rows, ${truth.length} expected as of ${isoText(asOfMs)}; ` +
      `${missing.length} missing${sample(missing)}, ${extra.length} extra${sample(extra)}`
    )
  }
}

export function violation(rule: Rule, stream: string, range: string, detail: string): Violation {
  return { rule, stream, range, detail }
}

const isoText = (ms: number): string => new Date(ms).toISOString()

const rangeText = (start: number | 'full'): string => (start === 'full' ? 'full' : isoText(start))
