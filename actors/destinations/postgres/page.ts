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
  filling: Filling,
): EncodedPage {
  const { cells, prefix } = filling
  pad(lines, widths, cells.width)
  const text = lines.length === 0 ? '' : `${prefix}${lines.join(`\n${prefix}`)}\n`
  return finished(page, ownBytes(text), lines.length, filling)
}

/** Completes a page with the bytes of its rows. */
export function finished(
  page: EncodedPage,
  bytes: EncodedPage['bytes'],
  count: number,
  { cells, prefix }: Filling,
): EncodedPage {
  page.bytes = bytes
  page.recordCount = count
  page.checksum = sumLines(bytes, prefix.length).checksum
  page.meta.columns = cells.columns()
  page.meta.crc = crc32(bytes)
  return page
}

interface Filling {
  cells: RecordCells
  prefix: string
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
