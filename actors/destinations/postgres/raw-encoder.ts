import { type RawRecords, rawValue } from '../../raw-records.ts'
import type { RawKeys } from '../raw-keys.ts'
import type { EncodedPage, PageEncoder, Row } from '../writer.ts'
import type { FieldLanes } from './lanes.ts'
import { emptyPage, finished } from './page.ts'
import { CellSpans, placeCells } from './raw-cells.ts'
import { RawLines } from './raw-lines.ts'
import type { RecordCells } from './record-cells.ts'

/** What is shared with the encoder of parsed records: both see pages of one attempt. */
export interface RawEncoding {
  keys: RawKeys
  cells: RecordCells
  prefix: string
  place: { row: number; position: number }
  reject: (record: Row, reason: string, page: EncodedPage) => null
}

/**
 * COPY text from unparsed records: nearly all tokens of JSON are cells as they are. A record in which one is not is parsed
 * by itself.
 */
export function rawEncoder({
  keys,
  cells,
  prefix,
  place,
  reject,
}: RawEncoding): PageEncoder['raw'] {
  const spans = new CellSpans()
  return {
    wish: { fields: keys.fields, reserved: '', all: true },
    encode(raw) {
      if (!keys.areWhole(raw)) return null
      const { body, view, table } = raw
      const { count, starts, ends, isPlain, firstValues, shapeOf, values } = table
      const source = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
      const page = emptyPage()
      const lines = new RawLines(prefix, roomFor(raw, prefix, cells.width))
      let added = 0
      let shape = -1
      let fields: FieldLanes[] | null = null
      for (let i = 0; i < count; i += 1) {
        if (shapeOf[i] !== shape) {
          shape = shapeOf[i] as number
          fields = cells.fieldsOf(table.shapes[shape] as string[])
        }
        const isAdded =
          fields !== null &&
          isPlain[i] === 1 &&
          placeCells(cells.lanes, source, values, firstValues[i] as number, fields, spans) &&
          lines.addCells(view, spans)
        if (!isAdded) {
          const record = rawValue(body, starts[i] as number, ends[i] as number) as Row
          const made = cells.text(record, page)
          if (typeof made === 'string') lines.addText(made, cells.width)
          else reject(record, made.reason, page)
        }
        place.position += 1
        if (lines.count === added) continue
        added = lines.count
        const loser = keys.note(raw, i, place.row)
        if (loser !== null) page.meta.superseded.push(loser)
        place.row += 1
      }
      return finished(page, lines.finish(cells.width), lines.count, { cells, prefix })
    },
  }
}

/** More than most pages need: cells have no names, but each row its prefix. */
function roomFor({ table }: RawRecords, prefix: string, width: number): number {
  const { count, starts, ends } = table
  if (count === 0) return 0
  let bytes = count * (prefix.length + width * 3)
  for (let i = 0; i < count; i += 1) bytes += (ends[i] as number) - (starts[i] as number)
  return bytes
}
