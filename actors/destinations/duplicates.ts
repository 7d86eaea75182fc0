import { compareCursors } from './cursor-order.ts'
import { hashOf, KeyTable, KeyTexts, type TextSpan } from './key-table.ts'

/** Keys that one attempt remembers at least; twice as many at most. */
const rememberedKeys = 250_000

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
  readonly #texts = new KeyTexts()
  #recent = new KeyTable()
  #older: KeyTable | null = null

  constructor(generation: number = rememberedKeys) {
    this.#generation = generation
  }

  /** Notes a row; returns the row that it makes superfluous: an earlier one, or itself when an earlier one wins. */
  note(key: DuplicateKey, cursor: unknown, row: number): number | null {
    this.#texts.clear()
    const keySpan = this.#texts.key(key)
    return this.#note(keySpan, this.#texts.cursor(cursor), row)
  }

  /**
   * The same for a key and a cursor that are plain text or a plain number in JSON, from `from` to `to` in a body; no cursor
   * where `cursorFrom` is negative. Undefined, and nothing noted, when they are something else.
   */
  noteRaw(
    body: DataView,
    from: number,
    to: number,
    cursorFrom: number,
    cursorTo: number,
    row: number,
  ): number | null | undefined {
    this.#texts.clear()
    const key = this.#texts.token(body, from, to)
    if (key === null) return undefined
    const cursor =
      cursorFrom < 0 ? this.#texts.cursor(null) : this.#texts.token(body, cursorFrom, cursorTo)
    return cursor === null ? undefined : this.#note(key, cursor, row)
  }

  #note(key: TextSpan, cursor: TextSpan, row: number): number | null {
    const texts = this.#texts
    const hash = hashOf(texts, key)
    const inRecent = this.#recent.find(texts.bytes, key, hash)
    const inOlder = inRecent < 0 && this.#older ? this.#older.find(texts.bytes, key, hash) : -1
    if (inRecent < 0 && inOlder < 0) {
      this.#makeRoom()
      this.#recent.add(texts, key, hash, cursor, row)
      return null
    }
    const table = inRecent < 0 ? (this.#older as KeyTable) : this.#recent
    const at = inRecent < 0 ? inOlder : inRecent
    const before = table.row(at)
    const wins = compareCursors(texts.valueOf(cursor), table.cursor(at)) >= 0
    if (inRecent < 0) {
      // What came again is remembered for another generation.
      this.#makeRoom()
      const kept = wins ? cursor : texts.cursor(table.cursor(at))
      this.#recent.add(texts, key, hash, kept, wins ? row : before)
    } else if (wins) table.replace(at, texts, cursor, row)
    return wins ? before : row
  }

  #makeRoom(): void {
    if (this.#recent.size < this.#generation) return
    this.#older = this.#recent
    this.#recent = new KeyTable()
  }
}
