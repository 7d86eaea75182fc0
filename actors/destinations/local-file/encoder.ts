import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { JobRange, Reject, Target } from '../../../schema/protocol.ts'
import { canonicalJson } from '../canonical-json.ts'
import { Duplicates } from '../duplicates.ts'
import { deletedAt, deletedColumn, flagPolicy } from '../flagged.ts'
import { duplicateKey, keyPaths, keyText, singleName } from '../key.ts'
import { Occurrences } from '../occurrences.ts'
import { ownBytes } from '../own-bytes.ts'
import { fieldPath, valueAt } from '../path.ts'
import { rawKeys } from '../raw-keys.ts'
import { rowText, sampleOf } from '../row-json.ts'
import type { EncodedPage, EncodingContext, PageEncoder, Row } from '../writer.ts'
import { type Place, rawEncoder } from './raw-encoder.ts'
import { rowTail, sumRows } from './row-tail.ts'

const ourNames = ['_derrick_range', '_derrick_synced_at', '_derrick_id', deletedColumn]

/** JSON lines: the record as it came, then what Derrick adds. */
export function makeEncoder({ target, range, fetchedFrom }: EncodingContext): PageEncoder {
  const paths = keyPaths(target.primaryKey)
  const cursor = target.cursorField === null ? null : fieldPath(target.cursorField)
  const single = singleName(paths)
  const tail = rowTail(range, fetchedFrom)
  const idSeed = `${target.streamKey}\n${range.kind === 'full' ? 'full' : range.start}\n`
  const duplicates = new Duplicates()
  const occurrences = new Occurrences()
  const flagged = filePolicy(target, range)
  const place: Place = { row: 0, position: 0 }

  /** The row without its tail; null after it was rejected. */
  function head(record: Row, page: EncodedPage): string | null {
    const text = rowText(withoutOurNames(record, page), page)
    if (typeof text !== 'string') return reject(record, text.reason, page)
    if (paths.length === 0) {
      const identity = hash('sha256', idSeed + canonicalJson(record), 'hex')
      const occurrence = occurrences.next(identity)
      const whole = occurrence ? hash('sha256', `${identity}\n${occurrence}`, 'hex') : identity
      const id = whole.slice(0, 32)
      return `${text === '{}' ? '{' : `${text.slice(0, -1)},`}"_derrick_id":"${id}"`
    }
    const key = duplicateKey(record, paths, single)
    if (key === null)
      return reject(record, `its key ${target.primaryKey.join(', ')} is missing or null`, page)
    const loser = duplicates.note(key, cursor && valueAt(record, cursor), place.row)
    if (loser !== null) page.meta.superseded.push(loser)
    return text.slice(0, -1)
  }

  function reject(record: Row, reason: string, page: EncodedPage): null {
    page.rejects.push({ reason, where: whereOf(record, place.position), sample: sampleOf(record) })
    return null
  }

  function whereOf(record: Row, at: number): string {
    const key = typeof record === 'object' && record !== null ? safeKey(record, paths) : null
    return key === null ? `record ${at + 1} of the range` : key.slice(0, 200)
  }

  const deletion = (record: Row): string =>
    `,"${deletedColumn}":"${deletedAt(record, cursor, fetchedFrom)}"`

  const keys = rawKeys(paths, cursor, duplicates)
  return {
    ...(keys ? { raw: rawEncoder(keys, tail, place) } : {}),
    encode(records, deleted) {
      const page = emptyPage()
      const lines: string[] = []
      for (const record of records) {
        const text = head(record, page)
        place.position += 1
        if (text === null) continue
        if (flagged === 'keep' || !deleted?.has(record)) lines.push(text)
        else if (flagged === 'mark') lines.push(`${text}${deletion(record)}`)
        else {
          // It takes part as any other row, so that it can replace an older one, and is then left out itself.
          page.meta.superseded.push(place.row)
          lines.push(text)
        }
        place.row += 1
      }
      if (lines.length === 0) return page
      page.bytes = ownBytes(lines.join(tail) + tail)
      page.recordCount = lines.length
      page.checksum = sumRows(page.bytes, tail.length)
      page.meta.crc = crc32(page.bytes)
      return page
    },
  }
}

/**
 * A row can be left out where no other file can hold its record: in full reads, and where records never move. Elsewhere
 * an older version may be in another range's file, and the mark is what tells that it is over.
 */
function filePolicy(target: Target, range: JobRange): ReturnType<typeof flagPolicy> {
  const policy = flagPolicy(target)
  const isAlone = range.kind === 'full' || target.tracks !== 'updates'
  return policy === 'remove' && !isAlone ? 'mark' : policy
}

const emptyPage = (): EncodedPage => ({
  bytes: new Uint8Array(0),
  recordCount: 0,
  checksum: 0,
  meta: { columns: [], superseded: [], crc: 0 },
  rejects: [] as Reject[],
  sanitised: 0,
})

/** A record that has our names already (it was exported from here, say) loses them to ours. */
function withoutOurNames(record: Row, counts: { sanitised: number }): Row {
  if (typeof record !== 'object' || record === null) return record
  if (!ourNames.some((name) => Object.hasOwn(record, name))) return record
  const taken = ourNames.filter((name) => Object.hasOwn(record, name))
  counts.sanitised += taken.length
  return Object.fromEntries(Object.entries(record).filter(([name]) => !taken.includes(name)))
}

/** A record over the bounds may be too deep for its key to be written. */
function safeKey(record: Row, paths: ReturnType<typeof keyPaths>): string | null {
  try {
    return paths.length === 0 ? null : keyText(record, paths)
  } catch {
    return null
  }
}
