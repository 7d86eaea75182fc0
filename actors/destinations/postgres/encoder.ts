import { hash } from 'node:crypto'
import { canonicalJson } from '../canonical-json.ts'
import { type DuplicateKey, Duplicates } from '../duplicates.ts'
import { deletedAt, flagPolicy } from '../flagged.ts'
import { duplicateKey, keyPaths, keyText, singleName } from '../key.ts'
import { Occurrences } from '../occurrences.ts'
import { fieldPath, valueAt } from '../path.ts'
import { isExact } from '../raw-json.ts'
import { rawKeys } from '../raw-keys.ts'
import { sampleOf } from '../row-json.ts'
import type { EncodedPage, EncodingContext, PageEncoder, Row } from '../writer.ts'
import { readAs } from './declared.ts'
import { isKeyed } from './identity.ts'
import { emptyPage, filled } from './page.ts'
import { rowPrefix } from './page-lines.ts'
import { rawEncoder } from './raw-encoder.ts'
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
  const singleKey = singleName(paths)
  const heedsFlags = flagPolicy(target) !== 'keep'
  const place = { row: 0, position: 0 }

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
    const loser = duplicates.note(
      duplicateKey(record, paths, singleKey) as DuplicateKey,
      cursor && valueAt(record, cursor),
      place.row,
    )
    if (loser !== null) page.meta.superseded.push(loser)
    return text
  }

  function reject(record: Row, reason: string, page: EncodedPage): null {
    const where = safeKey(record, paths) ?? `record ${place.position + 1} of the range`
    page.rejects.push({ reason, where: where.slice(0, 200), sample: sampleOf(record) })
    return null
  }

  const keys = rawKeys(paths, cursor, duplicates)
  const raw = keys && rawEncoder({ keys, cells, prefix, place, reject })
  return {
    ...(raw ? { raw } : {}),
    encode(records, deleted) {
      const page = emptyPage()
      const lines: string[] = []
      const widths: number[] = []
      for (const record of records) {
        const text = line(record, page, heedsFlags && deleted?.has(record) === true)
        place.position += 1
        if (text === null) continue
        lines.push(text)
        widths.push(cells.width)
        place.row += 1
      }
      return filled(page, lines, widths, { cells, prefix })
    },
  }
}

/** A record over the bounds may be too deep for its key to be written. */
function safeKey(record: Row, paths: ReturnType<typeof keyPaths>): string | null {
  if (typeof record !== 'object' || record === null || isExact(record)) return null
  try {
    return paths.length === 0 ? null : keyText(record, paths)
  } catch {
    return null
  }
}
