import { expectedRecords } from '../../actors/simulator/oracle.ts'
import { ours } from './canonical.ts'
import { type Violation, violation } from './judge.ts'
import type { LargePlace } from './large-place.ts'
import type { LargeShop } from './large-shop.ts'
import type { LedgerRange } from './ledger.ts'

const stream = 'events'
const sampleLength = 160
const ownColumns = new RegExp(`^(?:,"(?:${[...ours].join('|')})":"[^"]*")+}$`)

/** Compares a destination with the oracle, one range in memory at a time. */
export class LargeJudge {
  readonly #shop: LargeShop
  readonly #place: LargePlace
  compared = 0
  records = 0

  constructor(shop: LargeShop, place: LargePlace) {
    this.#shop = shop
    this.#place = place
  }

  /** That a range which the ledger calls complete is there: each record once, to the letter, and nothing else. */
  async range(range: LedgerRange): Promise<Violation[]> {
    this.compared += 1
    const { options, nowMs } = this.#shop
    const expected = expectedRecords(options, stream, range, nowMs)
    const missing = new Map(expected.map(({ key, json }) => [key, json]))
    const wrong: string[] = []
    for await (const row of this.#place.rows(range.start)) {
      const { id, _derrick_range: own } = JSON.parse(row) as { id: string; _derrick_range: string }
      const wanted = missing.get(id)
      const isRight = wanted !== undefined && this.#isSame(row, wanted)
      if (!isRight || Date.parse(own) !== range.start) wrong.push(row)
      missing.delete(id)
    }
    this.records += expected.length - missing.size
    if (wrong.length === 0 && missing.size === 0) return []
    const [lost] = missing.values()
    const sample = [wrong[0], lost].map((text) => text?.slice(0, sampleLength)).join(' / ')
    const detail = `${expected.length} records, ${missing.size} missing, ${wrong.length} wrong or twice: ${sample}`
    const rule = missing.size > 0 && wrong.length === 0 ? 'committed-but-absent' : 'wrong-content'
    return [violation(rule, stream, new Date(range.start).toISOString(), detail)]
  }

  /** Everything, once the work is done: all time is covered once, each range is right, nothing else is there. */
  async all(ranges: readonly LedgerRange[]): Promise<Violation[]> {
    const found = this.#tiling(ranges)
    await this.#place.prepare()
    const known = new Set(ranges.map(({ start }) => start))
    for (const start of await this.#place.starts()) {
      if (!known.has(start))
        found.push(violation('strange', stream, String(start), 'no such range'))
    }
    for (const range of ranges) found.push(...(await this.range(range)))
    const left = await this.#place.leftovers()
    return [...found, ...left.map((what) => violation('leftover', stream, '', what))]
  }

  #tiling(ranges: readonly LedgerRange[]): Violation[] {
    const { options, nowMs, days } = this.#shop
    const found = ranges
      .filter(({ status }) => status !== 'complete')
      .map(({ status, start }) => violation('incomplete', stream, String(start), status))
    const isGap = ranges.some(({ start }, i) => i > 0 && ranges[i - 1]?.end !== start)
    const [first, last] = [ranges[0]?.start ?? Infinity, ranges.at(-1)?.end ?? 0]
    const isWhole = first <= options.startMs && last >= nowMs && ranges.length >= days
    if (isGap || !isWhole) {
      const detail = `${ranges.length} ranges from ${first} to ${last}`
      found.push(violation('incomplete', stream, '', `they do not cover all time: ${detail}`))
    }
    return found
  }

  /** Mostly the row is the source's own text with our columns behind; what is written otherwise is compared by meaning. */
  #isSame(row: string, wanted: string): boolean {
    const source = wanted.slice(0, -1)
    if (row.startsWith(source) && ownColumns.test(row.slice(source.length))) return true
    return this.#place.canonical(row) === this.#place.canonical(wanted)
  }
}
