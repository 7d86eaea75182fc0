import { expectedAll, expectedRecords } from '../../actors/simulator/oracle.ts'
import type { ShopOptions, StreamName } from '../../actors/simulator/shop.ts'
import { digestOf } from './canonical.ts'
import type { LedgerRange } from './ledger.ts'

/** Digests of what the source shows of a range, by key. */
export type Truth = ReadonlyMap<string, string>

/** What the source shows, range by range and at any of its times; computed once, as judges ask again and again. */
export class Truths {
  readonly #shop: ShopOptions
  readonly #canonical: (json: string) => string
  readonly #known = new Map<string, Truth>()

  constructor(shop: ShopOptions, canonical: (json: string) => string) {
    this.#shop = shop
    this.#canonical = canonical
  }

  of(name: StreamName, range: LedgerRange, asOfMs: number): Truth {
    const id = `${name} ${range.kind} ${range.start} ${range.end} ${asOfMs}`
    const known = this.#known.get(id)
    if (known) return known
    const records = this.records(name, range, asOfMs)
    const truth = new Map([...records].map(([key, record]) => [key, digestOf(record)]))
    this.#known.set(id, truth)
    return truth
  }

  /** The records themselves, for messages. */
  records(name: StreamName, range: LedgerRange, asOfMs: number): Map<string, string> {
    const expected =
      range.kind === 'full'
        ? expectedAll(this.#shop, name, asOfMs)
        : expectedRecords(this.#shop, name, range, asOfMs)
    return new Map(expected.map(({ key, json }) => [key, this.#canonical(json)]))
  }
}
