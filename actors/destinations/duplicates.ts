import { compareCursors } from './cursor-order.ts'

/** Keys that one attempt remembers at least; twice as many at most. */
const rememberedKeys = 250_000

interface Seen {
  row: number
  cursor: unknown
}

/** A record's key, equal for records with one key: made by `plainKey` or `jsonKey`. */
export type DuplicateKey = string | number

/** A key of one text or number, which nearly every key is, as it is: writing it as JSON would double the cost of the look-up. */
export const plainKey = (value: string | number): DuplicateKey =>
  typeof value === 'string' && value.startsWith('"') ? JSON.stringify(value) : value

/** Any other key, as JSON. The quote in front keeps it apart from plain texts; those that begin with one are `"\"…`. */
export const jsonKey = (text: string): DuplicateKey => `"${text}`

/**
 * Finds records of one attempt that share a key: the highest cursor wins, a tie goes to the later one, and no cursor is
 * the lowest. Memory is bounded by two generations of keys: a duplicate is found when fewer than `generation` other keys
 * came between the two, which covers what paging repeats at its seams; beyond that both rows stay in files, while
 * destinations that merge by key still keep one.
 */
export class Duplicates {
  readonly #generation: number
  #recent = new Map<DuplicateKey, Seen>()
  #older = new Map<DuplicateKey, Seen>()

  constructor(generation: number = rememberedKeys) {
    this.#generation = generation
  }

  /** Notes a row; returns the row that it makes superfluous: an earlier one, or itself when an earlier one wins. */
  note(key: DuplicateKey, cursor: unknown, row: number): number | null {
    const before = this.#recent.get(key) ?? this.#older.get(key)
    if (before === undefined) {
      if (this.#recent.size >= this.#generation) this.#turn()
      this.#recent.set(key, { row, cursor })
      return null
    }
    const wins = compareCursors(cursor, before.cursor) >= 0
    this.#remember(key, wins ? { row, cursor } : before)
    return wins ? before.row : row
  }

  #remember(key: DuplicateKey, seen: Seen): void {
    if (this.#recent.size >= this.#generation && !this.#recent.has(key)) this.#turn()
    this.#recent.set(key, seen)
  }

  #turn(): void {
    this.#older = this.#recent
    this.#recent = new Map()
  }
}
