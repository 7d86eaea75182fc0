import { hash, randomBytes } from 'node:crypto'
import { isExact } from './raw-json.ts'
import { viewOf } from './row-hash.ts'

/** Longer keys are remembered by their SHA-256, so that a generation of them stays small. */
const longestKey = 64
/** Longer cursors are kept as they are, beside the table. */
const longestCursor = 64

/** What a text stands for; the first byte of each. */
const kindText = 1
const kindWide = 2
const kindNumber = 3
const kindNothing = 4
const kindHash = 5
const kindAside = 6

const quote = 0x22
const backslash = 0x5c

/** Part of the bytes of `KeyTexts`. */
export interface TextSpan {
  from: number
  to: number
}

/** Writes one row's key and cursor as bytes that are equal only where the values are. */
export class KeyTexts {
  #bytes = new Uint8Array(512)
  #view = viewOf(this.#bytes)
  #end = 0
  #aside: unknown = null
  readonly #keySpan: TextSpan = { from: 0, to: 0 }
  readonly #cursorSpan: TextSpan = { from: 0, to: 0 }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  get view(): DataView {
    return this.#view
  }

  clear(): void {
    this.#end = 0
    this.#aside = null
  }

  key(key: string | number): TextSpan {
    const text = String(key)
    if (text.length > longestKey) {
      // Hex digits of one length: no short key's kind.
      const bytes = hash('sha256', Buffer.from(text, 'utf16le'), 'buffer')
      return this.#put(kindHash, bytes)
    }
    return this.#text(typeof key === 'number' ? kindNumber : kindText, text)
  }

  /** Of a cursor only what orders it: texts and numbers. */
  cursor(cursor: unknown): TextSpan {
    const isNumber =
      typeof cursor === 'number' ||
      (typeof cursor === 'object' && cursor !== null && isExact(cursor))
    if (isNumber)
      return this.#text(
        kindNumber,
        String(typeof cursor === 'number' ? cursor : JSON.stringify(cursor)),
      )
    if (typeof cursor !== 'string') return this.#put(kindNothing, none)
    if (cursor.length <= longestCursor) return this.#text(kindText, cursor)
    this.#aside = cursor
    return this.#put(kindAside, none)
  }

  /** A JSON text without escapes and other than ASCII characters, or a short whole number; null for anything else. */
  token(body: DataView, from: number, to: number): TextSpan | null {
    const isText = body.getUint8(from) === quote
    const first = isText ? from + 1 : from
    const length = isText ? to - from - 2 : to - from
    // Numbers in any other form may be equal to one in this.
    if (length > longestKey || (!isText && (length > 15 || length === 0))) return null
    const start = this.#end
    const end = start + 1 + length
    this.#bytes[start] = isText ? kindText : kindNumber
    const isPlain = isText
      ? copyAscii(body, first, this.#view, start + 1, length)
      : copyDigits(body, first, this.#bytes, start + 1, length)
    if (!isPlain) return null
    this.#end = end
    return this.#span(start, end)
  }

  /** The value that a span stands for, as far as the order of cursors goes. */
  valueOf(span: TextSpan): unknown {
    return valueIn(this.#bytes, span.from, span.to, this.#aside)
  }

  #text(kind: number, text: string): TextSpan {
    const start = this.#end
    this.#reserve(start + 1 + text.length * 2)
    const bytes = this.#bytes
    let end = start + 1
    let isWide = false
    for (let at = 0; at < text.length; at += 1, end += 1) {
      const code = text.charCodeAt(at)
      if (code >= 0x80) isWide = true
      bytes[end] = code
    }
    bytes[start] = kind
    if (isWide) {
      bytes[start] = kindWide
      end = start + 1
      for (let at = 0; at < text.length; at += 1, end += 2) {
        const code = text.charCodeAt(at)
        bytes[end] = code & 0xff
        bytes[end + 1] = code >> 8
      }
    }
    this.#end = end
    return this.#span(start, end)
  }

  #put(kind: number, content: Uint8Array): TextSpan {
    const start = this.#end
    this.#reserve(start + 1 + content.length)
    this.#bytes[start] = kind
    this.#bytes.set(content, start + 1)
    this.#end = start + 1 + content.length
    return this.#span(start, this.#end)
  }

  /** One span for the key, which comes first, and one for the cursor: nothing is made for a row. */
  #span(from: number, to: number): TextSpan {
    const span = from === 0 ? this.#keySpan : this.#cursorSpan
    span.from = from
    span.to = to
    return span
  }

  /** With room for the whole words that `copy` reads. */
  #reserve(size: number): void {
    if (size + 4 <= this.#bytes.length) return
    const larger = new Uint8Array(size * 2 + 4)
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = viewOf(larger)
  }
}

/** Copies four bytes at a time; false when one of them is a backslash or no ASCII. */
function copyAscii(from: DataView, first: number, to: DataView, start: number, length: number) {
  let at = 0
  let seen = 0
  for (; at + 4 <= length; at += 4) {
    const word = from.getInt32(first + at, true)
    to.setInt32(start + at, word, true)
    // Zero bytes of this are backslashes; subtracting one from each sets the highest bit of those.
    const other = word ^ 0x5c5c5c5c
    seen |= word | ((other - 0x01010101) & ~other)
  }
  for (; at < length; at += 1) {
    const byte = from.getUint8(first + at)
    to.setUint8(start + at, byte)
    if (byte === backslash) return false
    seen |= byte
  }
  return (seen & 0x80808080) === 0
}

function copyDigits(from: DataView, first: number, to: Uint8Array, start: number, length: number) {
  for (let at = 0; at < length; at += 1) {
    const byte = from.getUint8(first + at)
    if (byte < 0x30 || byte > 0x39) return false
    to[start + at] = byte
  }
  return true
}

const none = new Uint8Array(0)

function valueIn(bytes: Uint8Array, from: number, to: number, aside: unknown): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (bytes[from]) {
    case kindText:
      return text.toString('latin1', from + 1, to)
    case kindWide:
      return text.toString('utf16le', from + 1, to)
    case kindNumber:
      return Number(text.toString('latin1', from + 1, to))
    case kindAside:
      return aside
  }
  return null
}

/** Differs from process to process, so that nobody can choose keys that all fall into one place. */
const seed = randomBytes(4).readInt32LE()

/** Hash of a span, for `KeyTable`. */
export function hashOf({ view }: KeyTexts, { from, to }: TextSpan): number {
  let hash = seed
  let at = from
  for (; at + 4 <= to; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x5bd1e995)
    hash ^= hash >>> 15
  }
  for (; at < to; at += 1) {
    hash = Math.imul(hash ^ view.getUint8(at), 0x5bd1e995)
    hash ^= hash >>> 15
  }
  return Math.imul(hash ^ (hash >>> 13), 0x85ebca6b) ^ (to - from)
}

/** A new cursor takes the place of an old one that is not much shorter. */
const cursorRoom = 32

/**
 * Keys with their row and cursor, in typed arrays: nothing of it is an object that the garbage collector must look at, and
 * a key takes some 60 bytes.
 */
export class KeyTable {
  #slots = new Int32Array(1024)
  #hashes = new Int32Array(512)
  #rows = new Uint32Array(512)
  /** where the key's bytes begin; the cursor's follow them */
  #offsets = new Uint32Array(512)
  #keyLengths = new Uint8Array(512)
  #cursorLengths = new Uint8Array(512)
  #cursorRooms = new Uint8Array(512)
  #bytes = new Uint8Array(512 * 64)
  #view = viewOf(this.#bytes)
  #end = 0
  #size = 0
  readonly #aside = new Map<number, unknown>()

  get size(): number {
    return this.#size
  }

  /** The place of a key; -1 when it is not there. */
  find(bytes: Uint8Array, key: TextSpan, hash: number): number {
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = (this.#slots[slot] as number) - 1
      if (at < 0) return -1
      if (this.#hashes[at] === hash && this.#isKey(at, bytes, key)) return at
    }
  }

  row(at: number): number {
    return this.#rows[at] as number
  }

  cursor(at: number): unknown {
    const from = (this.#offsets[at] as number) + (this.#keyLengths[at] as number)
    return valueIn(
      this.#bytes,
      from,
      from + (this.#cursorLengths[at] as number),
      this.#aside.get(at),
    )
  }

  /** Adds a key that is not there. */
  add(texts: KeyTexts, key: TextSpan, hash: number, cursor: TextSpan, row: number): void {
    if (this.#size === this.#rows.length) this.#grow()
    const at = this.#size
    const keyLength = key.to - key.from
    // Whole words, which `copy` writes; what they spill of a key is overwritten by its cursor.
    const room = Math.max(cursorRoom, (cursor.to - cursor.from + 3) & ~3)
    this.#reserve(keyLength + room)
    this.#offsets[at] = this.#end
    this.#keyLengths[at] = keyLength
    this.#cursorRooms[at] = room
    this.#hashes[at] = hash
    copy(texts.view, key, this.#view, this.#end)
    this.#end += keyLength + room
    this.#size += 1
    this.#place(at)
    this.replace(at, texts, cursor, row)
  }

  /** Gives a key another row and cursor. */
  replace(at: number, texts: KeyTexts, cursor: TextSpan, row: number): void {
    this.#rows[at] = row
    const length = cursor.to - cursor.from
    const to = (this.#offsets[at] as number) + (this.#keyLengths[at] as number)
    if (length <= (this.#cursorRooms[at] as number) && texts.bytes[cursor.from] !== kindAside) {
      copy(texts.view, cursor, this.#view, to)
      this.#cursorLengths[at] = length
      return
    }
    this.#aside.set(at, texts.valueOf(cursor))
    this.#bytes[to] = kindAside
    this.#cursorLengths[at] = 1
  }

  #isKey(at: number, bytes: Uint8Array, { from, to }: TextSpan): boolean {
    if (this.#keyLengths[at] !== to - from) return false
    const own = this.#bytes
    for (let a = this.#offsets[at] as number, b = from; b < to; a += 1, b += 1) {
      if (own[a] !== bytes[b]) return false
    }
    return true
  }

  #place(at: number): void {
    const mask = this.#slots.length - 1
    let slot = (this.#hashes[at] as number) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = at + 1
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return
    const larger = new Uint8Array(this.#bytes.length * 2)
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = viewOf(larger)
  }

  #grow(): void {
    const size = this.#rows.length * 2
    this.#hashes = grown(this.#hashes, new Int32Array(size))
    this.#rows = grown(this.#rows, new Uint32Array(size))
    this.#offsets = grown(this.#offsets, new Uint32Array(size))
    this.#keyLengths = grown(this.#keyLengths, new Uint8Array(size))
    this.#cursorLengths = grown(this.#cursorLengths, new Uint8Array(size))
    this.#cursorRooms = grown(this.#cursorRooms, new Uint8Array(size))
    this.#slots = new Int32Array(size * 2)
    for (let at = 0; at < this.#size; at += 1) this.#place(at)
  }
}

function grown<T extends Int32Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** Copies whole words: up to three bytes more than the span has. */
function copy(from: DataView, span: TextSpan, to: DataView, start: number): void {
  for (let a = span.from, b = start; a < span.to; a += 4, b += 4) {
    to.setInt32(b, from.getInt32(a, true), true)
  }
}
