import { crc32 } from 'node:zlib'
import type { RawKeys } from '../raw-keys.ts'
import type { PageEncoder } from '../writer.ts'
import { rawRows } from './raw-rows.ts'

const ourPrefix = '_derrick_'

/** How far an attempt is: rows that were written, and records that were seen. */
export interface Place {
  row: number
  position: number
}

/** Encodes unparsed records; `place` is shared with the encoder of parsed ones, as both see pages of one attempt. */
export function rawEncoder(keys: RawKeys, tail: string, place: Place): PageEncoder['raw'] {
  const tailBytes = Buffer.from(tail)
  return {
    wish: { fields: keys.fields, reserved: ourPrefix },
    encode(raw) {
      const { count } = raw.table
      if (!keys.areWhole(raw)) return null
      const superseded: number[] = []
      for (let i = 0; i < count; i += 1) {
        const loser = keys.note(raw, i, place.row)
        if (loser !== null) superseded.push(loser)
        place.row += 1
      }
      const { bytes, checksum } = rawRows(raw, tailBytes)
      place.position += count
      const meta = { columns: [], superseded, crc: count === 0 ? 0 : crc32(bytes) }
      return { bytes, checksum, recordCount: count, meta, rejects: [], sanitised: 0 }
    },
  }
}
