import { RecordShape } from './record-shape.ts'

/** Records found in a body, by their bytes. Valid until the scanner that made it is used again. */
export interface RecordTable {
  count: number
  /** from the opening brace of each record to the byte after its closing one */
  starts: Int32Array
  ends: Int32Array
  /** for each record and wanted field, in turn: where its value begins and ends; -1 where it has none */
  fields: Int32Array
  /** bytes inside records that JSON.stringify would not have written: begin and end of each, in order */
  cuts: Int32Array
  cutCount: number
  /** 1: nothing is cut, and no string has an escape */
  isPlain: Uint8Array
  /** for records whose every value is wanted: begin and end of each, name by name; a record's first is at `firstValues` */
  values: Int32Array
  firstValues: Int32Array
  /** which of `shapes`, the top-level names in their order, a record has */
  shapeOf: Int32Array
  shapes: string[][]
}

/** Nesting that is left to the parser. */
const mostDepth = 64
const longestRecord = 16 * 1024 * 1024

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const point = 0x2e
const slash = 0x2f
const zero = 0x30
const openList = 0x5b
const backslash = 0x5c
const closeList = 0x5d
const openMap = 0x7b
const closeMap = 0x7d

/** 1: goes on inside a string as it is. Beyond the body's end there is nothing, which ends every loop as well. */
const plain = new Uint8Array(256).fill(1, 0x20)
plain[quote] = 0
plain[backslash] = 0
/** What may follow a backslash and is what JSON.stringify writes: `"` `\` b f n r t. */
const shortEscapes = new Set([...'"\\bfnrt'].map((char) => char.charCodeAt(0)))

/**
 * Finds the records of a list of JSON objects without parsing it, and checks on the way that each is what JSON.parse takes and
 * JSON.stringify would write, but for `cuts`. Whatever is not surely so (numbers and escapes in other forms, names that come
 * twice, deep nesting, broken JSON) makes it give up, and the parser has to say what the list is.
 */
export class RecordScanner {
  readonly #shape: RecordShape
  readonly #stride: number
  readonly #stack = new Uint8Array(mostDepth + 1)
  readonly #table: RecordTable
  readonly #all: boolean
  #pending = -1
  #valueCount = 0
  /** names of the last record, nested ones included */
  #names = 0
  #isPlain = true

  /**
   * `wanted`: names of top-level fields to locate; `all` locates every one. A record with a top-level name that begins with
   * `reserved` is given up; none where that is empty.
   */
  constructor(wanted: readonly string[], reserved: string, all = false) {
    this.#all = all
    this.#shape = new RecordShape(wanted, reserved)
    this.#stride = wanted.length * 2
    this.#table = {
      count: 0,
      starts: new Int32Array(256),
      ends: new Int32Array(256),
      fields: new Int32Array(256 * this.#stride),
      cuts: new Int32Array(64),
      cutCount: 0,
      isPlain: new Uint8Array(256),
      values: new Int32Array(all ? 4096 : 0),
      firstValues: new Int32Array(256),
      shapeOf: new Int32Array(256),
      shapes: [],
    }
  }

  /** Reads the list whose first byte after `[` is at `from`. `end` is that of its `]`; null when the parser has to do it. */
  scan(body: Uint8Array, view: DataView, from: number): { table: RecordTable; end: number } | null {
    const table = this.#table
    table.count = 0
    table.cutCount = 0
    table.shapes = []
    this.#valueCount = 0
    this.#shape.forget()
    let at = afterBlanks(body, from)
    if (body[at] === closeList) return { table, end: at }
    for (;;) {
      if (body[at] !== openMap) return null
      if (table.count === table.starts.length) this.#grow()
      const end = this.#record(body, view, at)
      if (end < 0 || end - at > longestRecord) return null
      table.starts[table.count] = at
      table.ends[table.count] = end
      table.isPlain[table.count] = this.#isPlain ? 1 : 0
      table.shapeOf[table.count] = table.shapes.length - 1
      table.count += 1
      at = afterBlanks(body, end)
      const next = body[at]
      if (next === closeList) return { table, end: at }
      if (next !== comma) return null
      at = afterBlanks(body, at + 1)
    }
  }

  /** The end of the record at `start`, -1 to give up: by the shape of the one before, or else learning its own. */
  #record(body: Uint8Array, view: DataView, start: number): number {
    const table = this.#table
    const { cutCount } = table
    const base = table.count * this.#stride
    const firstValue = this.#valueCount
    table.firstValues[table.count] = firstValue
    table.fields.fill(-1, base, base + this.#stride)
    this.#isPlain = true
    if (this.#shape.isKnown) {
      const end = this.#walk(body, view, start, false)
      // A record that ends sooner has fewer names than its shape.
      if (end >= 0 && (!this.#all || this.#names === this.#shape.size)) return end
      table.cutCount = cutCount
      table.fields.fill(-1, base, base + this.#stride)
    }
    this.#shape.forget()
    this.#valueCount = firstValue
    this.#isPlain = true
    const end = this.#walk(body, view, start, true)
    this.#shape.isKnown = end >= 0
    if (end >= 0 && this.#all) table.shapes.push(this.#shape.topNames(body))
    return end
  }

  /** One loop without calls for what nearly all bytes are. Every round reads one value, or the end of what is open. */
  #walk(body: Uint8Array, view: DataView, start: number, learn: boolean): number {
    const { fields } = this.#table
    const stack = this.#stack
    const base = this.#table.count * this.#stride
    let depth = 1
    let isFirst = true
    let nth = 0
    let at = start + 1
    stack[1] = openMap
    this.#pending = -1
    for (;;) {
      let byte = body[at] as number
      if (byte <= 0x20) {
        at = this.#cutBlanks(body, at)
        byte = body[at] as number
      }
      const isEnd = isFirst && (byte === closeMap || byte === closeList)
      if (!isEnd) {
        if (stack[depth] === openMap) {
          if (byte !== quote) return -1
          at = this.#name(body, view, at, nth, depth * 2 + (isFirst ? 1 : 0), learn)
          if (at < 0) return -1
          byte = body[at] as number
          nth += 1
        }
        isFirst = false
        if (byte === quote) {
          at += 1
          while (plain[body[at] as number] === 1) at += 1
          if (body[at] !== quote) {
            at = this.#string(body, at)
            if (at < 0) return -1
          }
          at += 1
        } else if (byte === openMap || byte === openList) {
          depth += 1
          if (depth > mostDepth) return -1
          stack[depth] = byte
          isFirst = true
          at += 1
          continue
        } else {
          at =
            byte === minus || (byte >= zero && byte <= 0x39)
              ? this.#number(body, at)
              : word(body, at)
          if (at < 0) return -1
        }
      }
      // A value has ended, or something empty is about to: what closes here?
      for (;;) {
        if (depth === 1) {
          if (this.#pending >= 0) fields[base + this.#pending * 2 + 1] = at
          this.#pending = -1
          // Written again at the end of the record, where blanks may have come between; the first time counts.
          if (this.#all) this.#endValue(at)
        }
        byte = body[at] as number
        if (byte <= 0x20) {
          at = this.#cutBlanks(body, at)
          byte = body[at] as number
        }
        if (byte === comma) {
          if (isFirst) return -1
          at += 1
          break
        }
        // `{` and `}` as well as `[` and `]` are two apart.
        if (byte !== (stack[depth] as number) + 2) return -1
        at += 1
        depth -= 1
        isFirst = false
        if (depth === 0) {
          this.#names = nth
          return at
        }
      }
    }
  }

  /** Reads the nth name of a record; where its value begins, -1 to give up. */
  #name(
    body: Uint8Array,
    view: DataView,
    start: number,
    nth: number,
    tag: number,
    learn: boolean,
  ): number {
    const shape = this.#shape
    let at = learn ? shape.learn(body, start, nth, tag) : shape.follow(body, view, start, nth, tag)
    if (at < 0) return -1
    if ((body[at] as number) <= 0x20) at = this.#cutBlanks(body, at)
    if (tag >> 1 === 1) {
      const field = shape.fieldOf(nth)
      this.#pending = field
      const { fields, count } = this.#table
      if (field >= 0) fields[count * this.#stride + field * 2] = at
      if (this.#all) this.#beginValue(at)
    }
    return at
  }

  #beginValue(at: number): void {
    const table = this.#table
    if (this.#valueCount * 2 + 2 > table.values.length) table.values = grown(table.values)
    table.values[this.#valueCount * 2] = at
    table.values[this.#valueCount * 2 + 1] = -1
    this.#valueCount += 1
  }

  #endValue(at: number): void {
    const { values } = this.#table
    const last = this.#valueCount * 2 - 1
    if (values[last] === -1) values[last] = at
  }

  /** From something special inside a string to its closing quote, -1 to give up. */
  #string(body: Uint8Array, from: number): number {
    let at = from
    this.#isPlain = false
    for (;;) {
      const byte = body[at]
      if (byte === quote) return at
      if (byte !== backslash) return -1
      const next = body[at + 1] as number
      if (shortEscapes.has(next)) at += 2
      else if (next === slash) {
        this.#cut(at, at + 1)
        at += 2
      } else if (next === 0x75 && isControlEscape(body, at + 2)) at += 6
      else return -1
      while (plain[body[at] as number] === 1) at += 1
    }
  }

  /**
   * The end of a number that JSON.stringify writes with the same digits, but for zeros at the end of a fraction; -1 for any
   * other. Whole numbers keep all their digits on the parser's path too, until they would be written with an exponent.
   */
  #number(body: Uint8Array, from: number): number {
    let at = from
    if (body[at] === minus) at += 1
    const first = at
    while (isDigit(body[at])) at += 1
    const whole = at - first
    if (whole === 0 || whole > 20 || (whole > 1 && body[first] === zero)) return -1
    if (body[at] !== point) {
      const isOther = isExponent(body[at]) || (first > from && body[first] === zero)
      return isOther ? -1 : at
    }
    at += 1
    const fraction = at
    let last = 0
    while (isDigit(body[at])) {
      if (body[at] !== zero) last = at
      at += 1
    }
    if (at === fraction || at - from > 15 || isExponent(body[at])) return -1
    const isBelowOne = body[first] === zero
    if (last === 0) {
      // -0.0 is written as 0.
      if (isBelowOne && first > from) return -1
      this.#cut(fraction - 1, at)
      return at
    }
    // Below a millionth an exponent would be written.
    let zeros = 0
    while (body[fraction + zeros] === zero) zeros += 1
    if (isBelowOne && zeros > 5) return -1
    if (last + 1 < at) this.#cut(last + 1, at)
    return at
  }

  #cutBlanks(body: Uint8Array, from: number): number {
    const at = afterBlanks(body, from)
    if (at > from) this.#cut(from, at)
    return at
  }

  #cut(from: number, to: number): void {
    const table = this.#table
    const at = table.cutCount * 2
    if (at === table.cuts.length) table.cuts = grown(table.cuts)
    this.#isPlain = false
    table.cuts[at] = from
    table.cuts[at + 1] = to
    table.cutCount += 1
  }

  #grow(): void {
    const table = this.#table
    table.starts = grown(table.starts)
    table.ends = grown(table.ends)
    table.fields = grown(table.fields)
    table.firstValues = grown(table.firstValues)
    table.shapeOf = grown(table.shapeOf)
    const isPlain = new Uint8Array(table.isPlain.length * 2)
    isPlain.set(table.isPlain)
    table.isPlain = isPlain
  }
}

function grown(list: Int32Array): Int32Array {
  const larger = new Int32Array(list.length * 2)
  larger.set(list)
  return larger
}

const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= zero && byte <= 0x39

const isExponent = (byte: number | undefined): boolean => byte === 0x65 || byte === 0x45

/** The next byte that is no blank of JSON. */
export function afterBlanks(body: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    const byte = body[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at += 1
  }
}

/** The end of true, false or null; -1 for anything else. */
function word(body: Uint8Array, at: number): number {
  const second = body[at + 1]
  const third = body[at + 2]
  const fourth = body[at + 3]
  switch (body[at]) {
    case 0x6e:
      return second === 0x75 && third === 0x6c && fourth === 0x6c ? at + 4 : -1
    case 0x74:
      return second === 0x72 && third === 0x75 && fourth === 0x65 ? at + 4 : -1
    case 0x66: {
      const isFalse = second === 0x61 && third === 0x6c && fourth === 0x73 && body[at + 4] === 0x65
      return isFalse ? at + 5 : -1
    }
  }
  return -1
}

/** Whether the four digits at `at` are a control character as JSON.stringify writes it; NUL is not stored as it is. */
function isControlEscape(body: Uint8Array, at: number): boolean {
  if (body[at] !== zero || body[at + 1] !== zero) return false
  const high = (body[at + 2] as number) - zero
  const digit = body[at + 3] as number
  const low = isDigit(digit) ? digit - zero : digit >= 0x61 && digit <= 0x66 ? digit - 0x57 : -1
  if (low < 0 || (high !== 0 && high !== 1)) return false
  const code = high * 16 + low
  // These have a short form: \b \t \n \f \r.
  return code !== 0 && code !== 8 && code !== 9 && code !== 10 && code !== 12 && code !== 13
}
