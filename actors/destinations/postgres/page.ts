import { crc32 } from 'node:zlib'
import type { Reject } from '../../../schema/protocol.ts'
import { ownBytes } from '../own-bytes.ts'
import type { EncodedPage } from '../writer.ts'
import { copyNull } from './copy-text.ts'
import { sumLines } from './page-lines.ts'
import type { RecordCells } from './record-cells.ts'

/** Puts rows into a page; `widths` says how many cells each has. */
export function filled(
  page: EncodedPage,
  lines: string[],
  widths: number[],
  { cells, prefix, encoding }: Filling,
): EncodedPage {
  pad(lines, widths, cells.width)
  const text = lines.length === 0 ? '' : `${prefix}${lines.join(`\n${prefix}`)}\n`
  page.bytes = ownBytes(text, encoding)
  page.recordCount = lines.length
  page.checksum = sumLines(page.bytes, prefix.length).checksum
  page.meta.columns = cells.columns()
  page.meta.crc = crc32(page.bytes)
  return page
}

interface Filling {
  cells: RecordCells
  prefix: string
  /** latin1 where a character stands for a byte */
  encoding: 'utf8' | 'latin1'
}

/** Rows from before a column came lack only their last cells; each has a key or an id, so none is empty. */
function pad(lines: string[], widths: number[], width: number): void {
  for (let i = 0; i < lines.length && (widths[i] as number) < width; i += 1) {
    const missing = `\t${copyNull}`.repeat(width - (widths[i] as number))
    lines[i] += missing
  }
}

export const emptyPage = (): EncodedPage => ({
  bytes: new Uint8Array(0),
  recordCount: 0,
  checksum: 0,
  meta: { columns: [], superseded: [], crc: 0 },
  rejects: [] as Reject[],
  sanitised: 0,
})
