import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { PageMeta } from '../../../schema/protocol.ts'
import type { ReplayedPage, Spool } from '../spool.ts'
import { quoted } from './names.ts'
import { keepLines } from './page-lines.ts'

/** A page as it goes to the server: rows that a later one replaces are left out. */
export interface LoadPage {
  bytes: Uint8Array
  rows: number
  columns: PageMeta['columns']
}

/** The spool's pages that have rows. */
export async function* loadPages(spool: Spool): AsyncGenerator<LoadPage> {
  for await (const page of spool.replay()) {
    if (page.recordCount > 0) yield withoutSuperseded(page, spool)
  }
}

function withoutSuperseded(page: ReplayedPage, { superseded }: Spool): LoadPage {
  const { bytes, recordCount, firstRow, columns } = page
  const isLeftOut = (row: number): boolean => superseded.has(firstRow + row)
  let left = 0
  if (superseded.size > 0) {
    for (let row = 0; row < recordCount; row += 1) if (isLeftOut(row)) left += 1
  }
  return {
    bytes: left === 0 ? bytes : keepLines(bytes, isLeftOut),
    rows: recordCount - left,
    columns,
  }
}

/**
 * COPYs pages into a table, one COPY for each run of pages of one column list. Returns how many rows the server took.
 * `enough` ends it after a page.
 */
export async function copyPages(
  client: pg.Client,
  table: string,
  pages: AsyncIterator<LoadPage>,
  namesFor: (columns: PageMeta['columns']) => string[],
  enough: (bytes: number) => boolean = () => false,
): Promise<number> {
  let rows = 0
  let bytes = 0
  let next = await pages.next()
  while (!next.done) {
    const { columns } = next.value
    const segment = async function* (): AsyncGenerator<Uint8Array> {
      while (!next.done && next.value.columns === columns && !enough(bytes)) {
        bytes += next.value.bytes.byteLength
        yield next.value.bytes
        if (enough(bytes)) return
        next = await pages.next()
      }
    }
    const list = namesFor(columns).map(quoted).join(', ')
    const stream = client.query(
      copyFrom(`copy ${table} (${list}) from stdin with (encoding 'UTF8')`),
    )
    await pipeline(Readable.from(segment()), stream)
    rows += stream.rowCount
    if (enough(bytes)) break
  }
  return rows
}
