const quote = 0x22
const colon = 0x3a
const backslash = 0x5c

/** Names of one record, nested ones included; more are left to the parser. */
const mostNames = 256

/**
 * The names of a record in the order they come, each with where it stands. Nearly always the next record has the same: then
 * comparing them costs less than reading them, and proves that no object has a name twice.
 */
export class RecordShape {
  readonly #wanted: readonly Uint8Array[]
  readonly #reserved: Uint8Array | null
  /** where the name begins (its quote) in this body, and its length with quotes and colon */
  readonly #starts = new Int32Array(mostNames)
  readonly #lengths = new Int32Array(mostNames)
  /** depth, and whether the name is the first of its object: together they tell which object each name is in */
  readonly #tags = new Int32Array(mostNames)
  readonly #hashes = new Int32Array(mostNames)
  readonly #objects = new Int32Array(mostNames)
  readonly #fields = new Int32Array(mostNames)
  /** the object that is open at each depth */
  readonly #open = new Int32Array(mostNames)
  #count = 0
  #objectCount = 0
  isKnown = false

  constructor(wanted: readonly string[], reserved: string) {
    this.#wanted = wanted.map((name) => Buffer.from(JSON.stringify(name)))
    this.#reserved = reserved === '' ? null : Buffer.from(JSON.stringify(reserved).slice(0, -1))
  }

  forget(): void {
    this.#count = 0
    this.#objectCount = 0
    this.isKnown = false
  }

  /** How many names it has, nested ones included. */
  get size(): number {
    return this.#count
  }

  /** Which wanted field the nth name is; -1 for none. */
  fieldOf(nth: number): number {
    return this.#fields[nth] as number
  }

  /** The names of the record itself, in their order. */
  topNames(body: Uint8Array): string[] {
    const names: string[] = []
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    for (let nth = 0; nth < this.#count; nth += 1) {
      if ((this.#tags[nth] as number) >> 1 !== 1) continue
      const start = this.#starts[nth] as number
      names.push(text.toString('utf8', start + 1, start + (this.#lengths[nth] as number) - 2))
    }
    return names
  }

  /** The byte after the colon, if the nth name is the one that is expected here; else -1. */
  follow(body: Uint8Array, view: DataView, at: number, nth: number, tag: number): number {
    if (nth >= this.#count || this.#tags[nth] !== tag) return -1
    const length = this.#lengths[nth] as number
    const known = this.#starts[nth] as number
    const end = at + length
    if (end + 4 > body.length) return -1
    let a = known
    let b = at
    for (; b + 4 <= end; a += 4, b += 4) {
      if (view.getInt32(a, true) !== view.getInt32(b, true)) return -1
    }
    for (; b < end; a += 1, b += 1) if (body[a] !== body[b]) return -1
    return end
  }

  /** Reads a name and notes it; the byte after its colon, -1 to give up. */
  learn(body: Uint8Array, start: number, nth: number, tag: number): number {
    if (nth >= mostNames) return -1
    let hash = 0
    let at = start + 1
    for (let byte = body[at]; byte !== quote; byte = body[at]) {
      if (byte === undefined || byte === backslash || byte < 0x20) return -1
      hash = (Math.imul(hash, 31) + byte) | 0
      at += 1
    }
    const first = body[start + 1] as number
    // Names that are numbers come first in a parsed object, wherever they stood.
    if (first >= 0x30 && first <= 0x39) return -1
    if (body[at + 1] !== colon) return -1
    const length = at + 2 - start
    const depth = tag >> 1
    const object = tag & 1 ? ++this.#objectCount : (this.#open[depth] as number)
    this.#open[depth] = object
    for (let other = 0; other < nth; other += 1) {
      if (this.#objects[other] !== object || this.#hashes[other] !== hash) continue
      if (
        this.#lengths[other] === length &&
        isSame(body, this.#starts[other] as number, start, length)
      )
        return -1
    }
    if (depth === 1 && this.#reserved && startsWith(body, start, this.#reserved)) return -1
    this.#starts[nth] = start
    this.#lengths[nth] = length
    this.#tags[nth] = tag
    this.#hashes[nth] = hash
    this.#objects[nth] = object
    this.#fields[nth] =
      depth === 1
        ? this.#wanted.findIndex(
            (name) => name.length === length - 1 && startsWith(body, start, name),
          )
        : -1
    this.#count = nth + 1
    return start + length
  }
}

function isSame(body: Uint8Array, one: number, other: number, length: number): boolean {
  for (let at = 0; at < length; at += 1) if (body[one + at] !== body[other + at]) return false
  return true
}

function startsWith(body: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i += 1) if (body[at + i] !== text[i]) return false
  return true
}
