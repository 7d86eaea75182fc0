import { rawValue } from '../../raw-records.ts'
import type { RawKeys } from '../raw-keys.ts'
import type { EncodedPage, PageEncoder, Row } from '../writer.ts'
import type { FieldLanes } from './lanes.ts'
import { emptyPage, filled } from './page.ts'
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
  return {
    wish: { fields: keys.fields, reserved: '', all: true },
    encode(raw) {
      if (!keys.areWhole(raw)) return null
      const { body, table } = raw
      const { count, starts, ends, isPlain, firstValues, shapeOf, values } = table
      const source = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
      const page = emptyPage()
      const lines: string[] = []
      const widths: number[] = []
      let shape = -1
      let fields: FieldLanes[] | null = null
      for (let i = 0; i < count; i += 1) {
        if (shapeOf[i] !== shape) {
          shape = shapeOf[i] as number
          fields = cells.fieldsOf(table.shapes[shape] as string[])
        }
        let text: string | null = null
        if (fields && isPlain[i] === 1) {
          text = cells.raw(source, values, firstValues[i] as number, fields)
        }
        if (text === null) {
          const record = rawValue(body, starts[i] as number, ends[i] as number) as Row
          const made = cells.text(record, page)
          if (typeof made === 'string') text = Buffer.from(made).toString('latin1')
          else reject(record, made.reason, page)
        }
        place.position += 1
        if (text === null) continue
        const loser = keys.note(raw, i, place.row)
        if (loser !== null) page.meta.superseded.push(loser)
        lines.push(text)
        widths.push(cells.width)
        place.row += 1
      }
      return filled(page, lines, widths, { cells, prefix, encoding: 'latin1' })
    },
  }
}
