import { utcTimeIn } from '../../utc-time.ts'
import { isOfType } from './declared.ts'
import type { FieldLanes, Lanes } from './lanes.ts'
import { numberText } from './number-text.ts'

/** A b-tree takes keys to 2,704 bytes; the rest is for the headers of a few columns. */
export const maxKeyBytes = 2600
/** Numbers of so many characters are the same as doubles. */
const safeDigits = 15

const [quote, point, openList, openMap] = [0x22, 0x2e, 0x5b, 0x7b]
const [letterF, letterN, letterT] = [0x66, 0x6e, 0x74]

/** Where the cells of one row are in a body: begin and end for each lane, -1 where there is none. */
export class CellSpans {
  spans = new Int32Array(64)
  width = 0

  clear(width: number): void {
    this.width = width
    if (width * 2 > this.spans.length) this.spans = new Int32Array(width * 4)
    for (let i = 0; i < width * 2; i += 2) this.spans[i] = -1
  }

  put(lane: number, from: number, to: number): void {
    if (lane >= this.width) this.#widen(lane + 1)
    this.spans[lane * 2] = from
    this.spans[lane * 2 + 1] = to
  }

  #widen(width: number): void {
    if (width * 2 > this.spans.length) {
      const larger = new Int32Array(width * 4)
      larger.set(this.spans)
      this.spans = larger
    }
    for (let i = this.width * 2; i < width * 2; i += 2) this.spans[i] = -1
    this.width = width
  }
}

/**
 * Finds the cells of an unparsed record. Its tokens are what COPY takes, as the scanner has seen to it that there is nothing to
 * cut or to unescape. False when it must be parsed.
 */
export function placeCells(
  lanes: Lanes,
  body: Buffer,
  values: Int32Array,
  first: number,
  fields: readonly FieldLanes[],
  cells: CellSpans,
): boolean {
  let keyBytes = 0
  cells.clear(lanes.cells.length)
  for (let i = 0, at = first * 2; i < fields.length; i += 1, at += 2) {
    const field = fields[i] as FieldLanes
    let from = values[at] as number
    let to = values[at + 1] as number
    const byte = body[from]
    if (byte === letterN) continue
    if (field.isKey) keyBytes += to - from
    let lane: number
    if (byte === quote) {
      from += 1
      to -= 1
      lane = field.text >= 0 ? field.text : textLane(lanes, field, body, from, to)
    } else if (byte === openMap || byte === openList) {
      lane = field.isKey ? -1 : lanes.lane(field, 'json')
    } else if (byte === letterT || byte === letterF) {
      lane = lanes.lane(field, field.isKey ? 'text' : 'boolean')
    } else if (to - from > safeDigits) lane = -1
    else lane = lanes.number(field, hasPoint(body, from, to) ? 'numeric' : 'bigint')
    if (lane < 0) return false
    cells.put(lane, from, to)
  }
  return keyBytes <= maxKeyBytes
}

/** The lane of a text; -1 where its cell is another text, or there is no lane. */
function textLane(lanes: Lanes, field: FieldLanes, body: Buffer, from: number, to: number): number {
  const { readAs } = field
  if (readAs === null || readAs === 'text') return lanes.lane(field, 'text')
  if (readAs === 'timestamp' && utcTimeIn(body, from, to) !== undefined) {
    return lanes.lane(field, 'time')
  }
  // A character for each byte: what fits a type is ASCII anyway.
  const text = body.toString('latin1', from, to)
  if (!isOfType(text, readAs)) return lanes.lane(field, 'misfit')
  if (readAs === 'boolean') return lanes.lane(field, 'boolean')
  if (readAs === 'timestamp' || readAs === 'date') return lanes.lane(field, 'time')
  const number = numberText(text)
  return number && number.text === text ? lanes.number(field, number.type) : -1
}

function hasPoint(body: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (body[at] === point) return true
  return false
}
