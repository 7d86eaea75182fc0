import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Reject } from '../../../schema/protocol.ts'
import { canonicalJson } from '../canonical-json.ts'
import { Duplicates } from '../duplicates.ts'
import { deletedAt, flagPolicy } from '../flagged.ts'
import { keyPaths, keyText } from '../key.ts'
import { Occurrences } from '../occurrences.ts'
import { ownBytes } from '../own-bytes.ts'
import { fieldPath, valueAt } from '../path.ts'
import { isExact } from '../raw-json.ts'
import { sampleOf } from '../row-json.ts'
import type { EncodedPage, EncodingContext, PageEncoder, Row } from '../writer.ts'
import { copyNull } from './copy-text.ts'
import { readAs } from './declared.ts'
import { isKeyed } from './identity.ts'
import { rowPrefix, sumLines } from './page-lines.ts'
import { RecordCells } from './record-cells.ts'

/**
 * COPY text: a page is rows of one column list, which only grows over the attempt. Types are those of the values; which
 * columns of the table they go to is decided when the range has been read.
 */
export function makeEncoder({ target, range, fetchedFrom }: EncodingContext): PageEncoder {
  const keyed = isKeyed(target)
  const paths = keyed ? keyPaths(target.primaryKey) : []
  const cursor = target.cursorField === null ? null : fieldPath(target.cursorField)
  const prefix = rowPrefix(range, fetchedFrom)
  const idSeed = `${target.streamKey}\n${range.kind === 'full' ? 'full' : range.start}\n`
  const duplicates = new Duplicates()
  const occurrences = new Occurrences()
  const cells = new RecordCells(keyed, paths, (field) => readAs(target, field))
  const singleKey = paths.length === 1 && paths[0]?.parts.length === 1 ? paths[0].name : null
  const heedsFlags = flagPolicy(target) !== 'keep'
  let row = 0
  let position = 0

  /** The row's cells; null after it was rejected. */
  function line(record: Row, page: EncodedPage, isDeleted: boolean): string | null {
    const gone = isDeleted ? deletedAt(record, cursor, fetchedFrom) : undefined
    const text = cells.text(record, page, gone)
    if (typeof text !== 'string') return reject(record, text.reason, page)
    if (!keyed) {
      const identity = hash('sha256', idSeed + canonicalJson(record), 'hex')
      const id = hash('sha256', `${identity}\n${occurrences.next(identity)}`, 'hex').slice(0, 32)
      return text === '' ? id : `${id}\t${text}`
    }
    const loser = duplicates.note(keyOf(record), cursor && valueAt(record, cursor), row)
    if (loser !== null) page.meta.superseded.push(loser)
    return text
  }

  /** Nearly every key is one string, taken as it is; all others have a mark that no such string begins with. */
  function keyOf(record: Row): string {
    const value = singleKey === null ? undefined : record[singleKey]
    if (typeof value === 'string') return value.startsWith('\0') ? `\0s${value}` : value
    return typeof value === 'number' ? `\0n${value}` : `\0k${keyText(record, paths)}`
  }

  function reject(record: Row, reason: string, page: EncodedPage): null {
    const where = safeKey(record, paths) ?? `record ${position + 1} of the range`
    page.rejects.push({ reason, where: where.slice(0, 200), sample: sampleOf(record) })
    return null
  }

  return {
    encode(records, deleted) {
      const page = emptyPage()
      const lines: string[] = []
      const widths: number[] = []
      for (const record of records) {
        const text = line(record, page, heedsFlags && deleted?.has(record) === true)
        position += 1
        if (text === null) continue
        lines.push(text)
        widths.push(cells.width)
        row += 1
      }
      pad(lines, widths, cells.width)
      page.bytes = ownBytes(lines.length === 0 ? '' : `${prefix}${lines.join(`\n${prefix}`)}\n`)
      page.recordCount = lines.length
      page.checksum = sumLines(page.bytes, prefix.length).checksum
      page.meta.columns = cells.columns()
      page.meta.crc = crc32(page.bytes)
      return page
    },
  }
}

/** Rows from before a column came lack only their last cells; each has a key or an id, so none is empty. */
function pad(lines: string[], widths: number[], width: number): void {
  for (let i = 0; i < lines.length && (widths[i] as number) < width; i += 1) {
    const missing = `\t${copyNull}`.repeat(width - (widths[i] as number))
    lines[i] += missing
  }
}

const emptyPage = (): EncodedPage => ({
  bytes: new Uint8Array(0),
  recordCount: 0,
  checksum: 0,
  meta: { columns: [], superseded: [], crc: 0 },
  rejects: [] as Reject[],
  sanitised: 0,
})

/** A record over the bounds may be too deep for its key to be written. */
function safeKey(record: Row, paths: ReturnType<typeof keyPaths>): string | null {
  if (typeof record !== 'object' || record === null || isExact(record)) return null
  try {
    return paths.length === 0 ? null : keyText(record, paths)
  } catch {
    return null
  }
}
