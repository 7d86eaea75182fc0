/** Bytes of one record between its plain values, and values that it may have; larger ones go the general way. */
const mostBytes = 4096
const mostGaps = 256
/** So many records in a row that don't fit, and the template is not tried any more. */
const mostMisses = 8

const masks = Int32Array.of(0, 0xff, 0xffff, 0xffffff)

/**
 * All of a record but its plain values (texts, numbers, true, false, null): names, brackets and commas, in pieces. The record
 * that it is made from was read and checked byte by byte; another one with the same bytes between its values is as valid and
 * is built alike, which comparing words shows several times faster.
 */
export class RecordTemplate {
  /** the pieces, each from a whole word on, the rest of its last word zero */
  readonly words = new Int32Array(mostBytes / 4 + mostGaps)
  readonly lengths = new Int32Array(mostGaps)
  /** where the pieces are in the record that was read last, by `match` or to learn it */
  readonly starts = new Int32Array(mostGaps)
  count = 0
  /** piece and place in it where each field begins and ends, four numbers a field; -1 where it has none */
  readonly #fields: Int32Array
  /** the same of all top-level values */
  #values = new Int32Array(64)
  #valueCount = 0
  #misses = 0
  #isRefused = false

  constructor(fieldCount: number) {
    this.#fields = new Int32Array(fieldCount * 4)
  }

  /** Not made yet, and not found to be impossible for records of this shape. */
  get isWanted(): boolean {
    return this.count === 0 && !this.#isRefused
  }

  get isUsed(): boolean {
    return this.count > 0 && this.#misses < mostMisses
  }

  refuse(): void {
    this.#isRefused = true
  }

  forget(): void {
    this.count = 0
    this.#isRefused = false
    this.#misses = 0
  }

  noteHit(): void {
    this.#misses = 0
  }

  noteMiss(): void {
    this.#misses += 1
  }

  /** What of a piece's last word belongs to it. */
  static mask(length: number): number {
    return masks[length & 3] as number
  }

  /**
   * Learns a record.
   * @param scalars where its plain values begin and end, in order
   * @param fields, values where its fields and top-level values do, as the table has them
   */
  learn(
    body: Uint8Array,
    start: number,
    end: number,
    scalars: ArrayLike<number>,
    scalarCount: number,
    fields: Int32Array,
    values: Int32Array,
  ): void {
    this.forget()
    this.#isRefused = scalarCount >= mostGaps
    if (this.#isRefused) return
    let from = start
    let word = 0
    let bytes = 0
    for (let gap = 0; gap <= scalarCount; gap += 1) {
      const to = gap === scalarCount ? end : (scalars[gap * 2] as number)
      bytes += to - from
      this.#isRefused = bytes > mostBytes
      if (this.#isRefused) return
      this.starts[gap] = from
      this.lengths[gap] = to - from
      for (let at = from; at < to; at += 4, word += 1) this.words[word] = wordAt(body, at, to)
      from = gap === scalarCount ? end : (scalars[gap * 2 + 1] as number)
    }
    this.count = scalarCount + 1
    this.#learnPlaces(fields, values)
  }

  #learnPlaces(fields: Int32Array, values: Int32Array): void {
    if (values.length * 2 > this.#values.length) this.#values = new Int32Array(values.length * 4)
    this.#valueCount = values.length / 2
    for (let i = 0; i < fields.length; i += 1) this.#place(this.#fields, i * 2, fields[i] as number)
    for (let i = 0; i < values.length; i += 1) this.#place(this.#values, i * 2, values[i] as number)
  }

  /** Says of a byte's place which piece it is in (or right after) and where. */
  #place(places: Int32Array, into: number, at: number): void {
    places[into] = -1
    if (at < 0) return
    let gap = this.count - 1
    while ((this.starts[gap] as number) > at) gap -= 1
    places[into] = gap
    places[into + 1] = at - (this.starts[gap] as number)
  }

  /** Puts down where the fields of the record that was matched are; `fields` is filled from `base` on. */
  putFields(fields: Int32Array, base: number): void {
    const places = this.#fields
    for (let i = 0, at = base; i < places.length; i += 2, at += 1) {
      const gap = places[i] as number
      fields[at] = gap < 0 ? -1 : (this.starts[gap] as number) + (places[i + 1] as number)
    }
  }

  get valueCount(): number {
    return this.#valueCount
  }

  /** The same for top-level values. */
  putValues(values: Int32Array, base: number): void {
    const places = this.#values
    for (let i = 0, at = base; i < this.#valueCount * 4; i += 2, at += 1) {
      values[at] = (this.starts[places[i] as number] as number) + (places[i + 1] as number)
    }
  }
}

/** Up to four bytes, little-endian as `DataView` is asked to read them. */
function wordAt(body: Uint8Array, at: number, to: number): number {
  let word = 0
  for (let i = 0; i < 4 && at + i < to; i += 1) word |= (body[at + i] as number) << (8 * i)
  return word
}
