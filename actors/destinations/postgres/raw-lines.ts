import { viewOf } from '../row-hash.ts'
import { maxRowBytes } from '../row-json.ts'
import { copyNull } from './copy-text.ts'
import type { CellSpans } from './raw-cells.ts'

const [tab, newline, backslash, letterN] = [9, 10, 92, 78]
/** Room for the whole words in which cells are copied. */
const slack = 4

/** COPY rows of one page, put together from bytes. Each has as many cells as there were lanes when it came. */
export class RawLines {
  readonly #prefix: Buffer
  readonly #widths: number[] = []
  readonly #ends: number[] = []
  #bytes: Buffer
  #view: DataView
  #end = 0

  constructor(prefix: string, room: number) {
    this.#prefix = Buffer.from(prefix)
    this.#bytes = Buffer.allocUnsafeSlow(room + slack)
    this.#view = viewOf(this.#bytes)
  }

  get count(): number {
    return this.#ends.length
  }

  /** Adds a row from cells in a body; false, and nothing added, when it is too large. */
  addCells(body: DataView, { spans, width }: CellSpans): boolean {
    let size = 0
    for (let i = 0; i < width * 2; i += 2) {
      const from = spans[i] as number
      size += 1 + (from < 0 ? copyNull.length : (spans[i + 1] as number) - from)
    }
    // Without the tab before the first.
    if (size - 1 > maxRowBytes) return false
    this.#reserve(this.#prefix.length + size)
    this.#putPrefix()
    const bytes = this.#bytes
    const view = this.#view
    let end = this.#end
    for (let i = 0; i < width * 2; i += 2) {
      if (i > 0) bytes[end++] = tab
      const from = spans[i] as number
      if (from < 0) {
        bytes[end] = backslash
        bytes[end + 1] = letterN
        end += 2
      } else end = copyCell(body, from, spans[i + 1] as number, view, end)
    }
    this.#endRow(end, width)
    return true
  }

  /** Adds a row whose cells are text already. */
  addText(text: string, width: number): void {
    this.#reserve(this.#prefix.length + text.length * 3 + 1)
    this.#putPrefix()
    this.#endRow(this.#end + this.#bytes.write(text, this.#end), width)
  }

  /** All rows, each with so many cells, in memory of their own. */
  finish(width: number): Uint8Array<ArrayBuffer> {
    const first = this.#widths[0] ?? width
    if (first < width) return this.#padded(width)
    const { buffer } = this.#bytes
    return new Uint8Array((buffer as ArrayBuffer).transfer(this.#end))
  }

  /** Rows from before a column came lack only their last cells; each has a key or an id, so none is empty. */
  #padded(width: number): Uint8Array<ArrayBuffer> {
    const parts: Buffer[] = []
    let start = 0
    for (const [i, end] of this.#ends.entries()) {
      const missing = `\t${copyNull}`.repeat(width - (this.#widths[i] as number))
      parts.push(this.#bytes.subarray(start, end - 1), Buffer.from(`${missing}\n`))
      start = end
    }
    return new Uint8Array(Buffer.concat(parts))
  }

  #putPrefix(): void {
    this.#bytes.set(this.#prefix, this.#end)
    this.#end += this.#prefix.length
  }

  #endRow(end: number, width: number): void {
    this.#bytes[end] = newline
    this.#end = end + 1
    this.#ends.push(this.#end)
    this.#widths.push(width)
  }

  #reserve(more: number): void {
    const needed = this.#end + more + slack
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(needed * 2)
    larger.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = larger
    this.#view = viewOf(larger)
  }
}

/** Copies whole words, then says where the cell really ends: what is too much is overwritten by what follows. */
function copyCell(from: DataView, start: number, end: number, to: DataView, at: number): number {
  const shift = at - start
  if (end + slack <= from.byteLength) {
    for (let i = start; i < end; i += 4) to.setInt32(i + shift, from.getInt32(i, true), true)
  } else {
    for (let i = start; i < end; i += 1) to.setUint8(i + shift, from.getUint8(i))
  }
  return end + shift
}
