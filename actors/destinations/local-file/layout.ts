import { hash } from 'node:crypto'
import type { LocalFileConfig } from '../../../schema/destination.ts'
import type { JobRange, Target } from '../../../schema/protocol.ts'

/** Bytes that a cleaned or kept name may have: with what we append (`.ranges.9999.jsonl`) it stays under 255. */
const longestName = 200
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const unsafe = /[\u0000-\u001f\u007f<>:"/\\|?*\ufffd]/g
const reserved = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i

/**
 * A name of a namespace or table as one folder name, on any file system. Most stay as they are; any other is cleaned and
 * gets `_` and 6 hex digits of its own hash, so what becomes of a name never depends on which names came before.
 */
export function folderName(name: string): string {
  const safe = name
    .toWellFormed()
    .replace(unsafe, '_')
    .replace(/^[.\s]+/, '_')
    .replace(/[.\s]+$/, '_')
  const ours = /^_derrick/i.test(safe)
  const kept = cutToBytes(safe, longestName)
  if (kept === name && name !== '' && !ours && !reserved.test(name)) return name
  return `${cutToBytes(ours ? `x${safe}` : safe.replace(reserved, '_$&'), longestName - 7)}_${hash('sha256', name, 'hex').slice(0, 6)}`
}

/** Where a range's files go, relative to the destination's folder, with `/` on every system. */
export function rangeFolder(
  partition: LocalFileConfig['partition'],
  target: Target,
  range: JobRange,
): string {
  const folder = `${folderName(target.namespace)}/${folderName(target.table)}`
  if (range.kind === 'full' || partition === 'none') return folder
  const { date, hour } = localHour(range.start, range.zone)
  return partition === 'hour' ? `${folder}/dt=${date}/hour=${hour}` : `${folder}/dt=${date}`
}

/** First part of a range's file names: the start in UTC, `20260131T230000Z`; the doubled local hour needs no more. */
export function rangeName(range: Pick<JobRange, 'kind' | 'start'>): string {
  return range.kind === 'full' ? 'full' : compact(range.start)
}

/** Of two ranges with one start (after a new granularity) the later one to commit has its end in the name. */
export function longRangeName(range: Pick<JobRange, 'kind' | 'start' | 'end'>): string {
  return range.kind === 'full' ? 'full' : `${compact(range.start)}_${compact(range.end)}`
}

/** `20260131T230000Z.jsonl`, and `…-0002.jsonl` and so on where a range fills more than one file. */
export function partName(name: string, part: number): string {
  return part === 1 ? `${name}.jsonl` : `${name}-${String(part).padStart(4, '0')}.jsonl`
}

/** Hidden, and told apart by attempt, so that whoever finds one knows whose it is. */
export function tempName(name: string, fence: number, token: string, part: number): string {
  return `.derrick-${name}-${fence}-${token}-${part}.tmp`
}

/** Folder of the ledgers of a namespace: beside the tables, never inside one. */
export function ledgerFolder(target: Target): string {
  return `${folderName(target.namespace)}/_derrick`
}

export function ledgerName(target: Target): string {
  return `${folderName(target.table)}.ranges`
}

/** Whether a path from a ledger stays where this stream's files are; ledgers are files that anybody could edit. */
export function isOwnPath(path: string, target: Target): boolean {
  const folder = `${folderName(target.namespace)}/${folderName(target.table)}/`
  const rest = path.slice(folder.length)
  return (
    path.startsWith(folder) &&
    rest !== '' &&
    !rest.includes('\\') &&
    !rest.includes('\0') &&
    rest.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  )
}

const compact = (time: number): string => new Date(time).toISOString().replace(/[-:]|\.000/g, '')

const formats = new Map<string, Intl.DateTimeFormat>()
/** Formats are slow to make; a process sees few zones. */
const mostFormats = 256

function localHour(time: number, zone: string): { date: string; hour: string } {
  let format = formats.get(zone)
  if (!format) {
    if (formats.size >= mostFormats) formats.clear()
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
    })
    formats.set(zone, format)
  }
  const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]))
  const year = (parts.get('year') ?? '').padStart(4, '0')
  return {
    date: `${year}-${parts.get('month')}-${parts.get('day')}`,
    hour: parts.get('hour') ?? '',
  }
}

function cutToBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  let cut = ''
  let used = 0
  for (const character of text) {
    used += Buffer.byteLength(character)
    if (used > bytes) break
    cut += character
  }
  return cut
}
