import {
  afterBlanks,
  backslash,
  closeList,
  closeMap,
  comma,
  isControlEscape,
  minus,
  openList,
  openMap,
  plain,
  quote,
  shortEscapes,
  slash,
  word,
  zero,
} from './json-bytes.ts'
import { RecordShape } from './record-shape.ts'
import { addCut, emptyTable, grown, growRows, numberEnd, type RecordTable } from './record-table.ts'
import { RecordTemplate } from './record-template.ts'

/** Nesting that is left to the parser. */
const mostDepth = 64
const longestRecord = 16 * 1024 * 1024

/**
 * Finds the records of a list of JSON objects without parsing it, and checks on the way that each is what JSON.parse takes and
 * JSON.stringify would write, but for `cuts`. Whatever is not surely so (numbers and escapes in other forms, names that come
 * twice, deep nesting, broken JSON) makes it give up, and the parser has to say what the list is.
 */
export class RecordScanner {
  readonly #shape: RecordShape
  readonly #template: RecordTemplate
  readonly #stride: number
  readonly #stack = new Uint8Array(mostDepth + 1)
  readonly #table: RecordTable
  readonly #all: boolean
  #pending = -1
  #valueCount = 0
  /** names of the last record, nested ones included */
  #names = 0
  #hasEscapes = false
  /** where the plain values of a record begin and end, while a template is to be made of it */
  #scalars: Int32Array = new Int32Array(64)
  #scalarCount = 0

  /**
   * `wanted`: names of top-level fields to locate; `all` locates every one. A record with a top-level name that begins with
   * `reserved` is given up; none where that is empty.
   */
  constructor(wanted: readonly string[], reserved: string, all = false) {
    this.#all = all
    this.#shape = new RecordShape(wanted, reserved)
    this.#template = new RecordTemplate(wanted.length)
    this.#stride = wanted.length * 2
    this.#table = emptyTable(wanted.length, all)
  }

  /** Reads the list whose first byte after `[` is at `from`. `end` is that of its `]`; null when the parser has to do it. */
  scan(body: Uint8Array, view: DataView, from: number): { table: RecordTable; end: number } | null {
    const table = this.#table
    table.count = 0
    table.cutCount = 0
    table.shapes = []
    this.#valueCount = 0
    this.#shape.forget()
    this.#template.forget()
    let at = afterBlanks(body, from)
    if (body[at] === closeList) return { table, end: at }
    for (;;) {
      if (body[at] !== openMap) return null
      if (table.count === table.starts.length) growRows(table)
      const { cutCount } = table
      const end = this.#record(body, view, at)
      if (end < 0 || end - at > longestRecord) return null
      table.starts[table.count] = at
      table.ends[table.count] = end
      table.isPlain[table.count] = this.#hasEscapes || table.cutCount > cutCount ? 0 : 1
      table.shapeOf[table.count] = table.shapes.length - 1
      table.count += 1
      at = afterBlanks(body, end)
      const next = body[at]
      if (next === closeList) return { table, end: at }
      if (next !== comma) return null
      at = afterBlanks(body, at + 1)
    }
  }

  /**
   * The end of the record at `start`, -1 to give up: by the bytes of the one before, or by its names, or else learning its own.
   */
  #record(body: Uint8Array, view: DataView, start: number): number {
    const table = this.#table
    const { cutCount } = table
    const firstValue = this.#valueCount
    table.firstValues[table.count] = firstValue
    this.#hasEscapes = false
    if (this.#template.isUsed) {
      const end = this.#match(body, view, start)
      if (end >= 0) return end
      table.cutCount = cutCount
      this.#hasEscapes = false
    }
    const base = table.count * this.#stride
    table.fields.fill(-1, base, base + this.#stride)
    if (this.#shape.isKnown) {
      const end = this.#walk(body, view, start, false)
      // A record that ends sooner has fewer names than its shape.
      if (end >= 0 && (!this.#all || this.#names === this.#shape.size)) {
        if (this.#template.isWanted) this.#makeTemplate(body, start, end, cutCount)
        return end
      }
      table.cutCount = cutCount
      table.fields.fill(-1, base, base + this.#stride)
    }
    this.#shape.forget()
    this.#template.forget()
    this.#valueCount = firstValue
    this.#hasEscapes = false
    const end = this.#walk(body, view, start, true)
    this.#shape.isKnown = end >= 0
    if (end >= 0 && this.#all) table.shapes.push(this.#shape.topNames(body))
    return end
  }

  /** Two records in a row with the same names: the next one is compared with this. */
  #makeTemplate(body: Uint8Array, start: number, end: number, cutsBefore: number): void {
    const { cuts, cutCount, count, fields, firstValues, values } = this.#table
    // Blanks between values are no part of a template.
    for (let i = cutsBefore; i < cutCount; i += 1) {
      if ((body[cuts[i * 2] as number] as number) > 0x20) continue
      this.#template.refuse()
      return
    }
    const base = count * this.#stride
    this.#template.learn(
      body,
      start,
      end,
      this.#scalars,
      this.#scalarCount,
      fields.subarray(base, base + this.#stride),
      values.subarray((firstValues[count] as number) * 2, this.#valueCount * 2),
    )
  }

  /** The end of a record that differs from the template in nothing but plain values; -1 for any other. */
  #match(body: Uint8Array, view: DataView, start: number): number {
    const template = this.#template
    const { words, lengths, starts, count } = template
    const last = count - 1
    let at = start
    let next = 0
    for (let gap = 0; ; gap += 1) {
      const length = lengths[gap] as number
      const end = at + length
      starts[gap] = at
      if (end + 4 > body.length) return -1
      for (; at + 4 <= end; at += 4, next += 1) {
        if (view.getInt32(at, true) !== words[next]) return this.#miss()
      }
      if (at < end) {
        if ((view.getInt32(at, true) & RecordTemplate.mask(length)) !== words[next]) {
          return this.#miss()
        }
        next += 1
        at = end
      }
      if (gap === last) break
      const byte = body[at] as number
      if (byte === quote) {
        at += 1
        while (plain[body[at] as number] === 1) at += 1
        if (body[at] !== quote) {
          at = this.#string(body, at)
          if (at < 0) return -1
        }
        at += 1
      } else {
        at =
          byte === minus || (byte >= zero && byte <= 0x39)
            ? numberEnd(body, at, this.#table)
            : word(body, at)
        if (at < 0) return this.#miss()
      }
    }
    template.noteHit()
    this.#take()
    return at
  }

  #miss(): number {
    this.#template.noteMiss()
    return -1
  }

  /** Puts what the template says of the record that it matches into the table. */
  #take(): void {
    const table = this.#table
    this.#template.putFields(table.fields, table.count * this.#stride)
    if (!this.#all) return
    const first = this.#valueCount
    this.#valueCount += this.#template.valueCount
    while (this.#valueCount * 2 > table.values.length) table.values = grown(table.values)
    this.#template.putValues(table.values, first * 2)
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
    this.#scalarCount = 0
    const isCollecting = !learn && this.#template.isWanted
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
        const from = at
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
              ? numberEnd(body, at, this.#table)
              : word(body, at)
          if (at < 0) return -1
        }
        if (isCollecting) this.#collect(from, at)
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

  #collect(from: number, to: number): void {
    const at = this.#scalarCount * 2
    if (at === this.#scalars.length) this.#scalars = grown(this.#scalars)
    this.#scalars[at] = from
    this.#scalars[at + 1] = to
    this.#scalarCount += 1
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
    this.#hasEscapes = true
    for (;;) {
      const byte = body[at]
      if (byte === quote) return at
      if (byte !== backslash) return -1
      const next = body[at + 1] as number
      if (shortEscapes.has(next)) at += 2
      else if (next === slash) {
        addCut(this.#table, at, at + 1)
        at += 2
      } else if (next === 0x75 && isControlEscape(body, at + 2)) at += 6
      else return -1
      while (plain[body[at] as number] === 1) at += 1
    }
  }

  #cutBlanks(body: Uint8Array, from: number): number {
    const at = afterBlanks(body, from)
    if (at > from) addCut(this.#table, from, at)
    return at
  }
}
