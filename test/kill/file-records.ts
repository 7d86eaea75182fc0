import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { canonicalRecord, digestOf } from './canonical.ts'

/** What a reader of the folder sees of one range. */
export interface VisibleRange {
  /** epoch ms, or `full` */
  start: number | 'full'
  rows: VisibleRow[]
  files: string[]
}

export interface VisibleRow {
  /** canonical, without what Derrick adds */
  record: string
  digest: string
  /** when the attempt that last changed the row began to read, epoch ms */
  syncedAt: number
}

export interface VisibleStream {
  ranges: Map<number | 'full', VisibleRange>
  /** what no reader should meet: lines that are no JSON, rows in a wrong file, unknown files */
  oddities: string[]
}

interface ReadFile {
  stamp: string
  rows: (VisibleRow & { start: number | 'full' })[]
  oddities: string[]
}

const ours = new Set(['_derrick_range', '_derrick_synced_at', '_derrick_id'])
const cache = new Map<string, ReadFile>()

/**
 * Reads a table of a Local File destination as any program would: all `.jsonl` files that are not hidden.
 * @param folder the table's own folder
 */
export function readTable(folder: string): VisibleStream {
  const stream: VisibleStream = { ranges: new Map(), oddities: [] }
  for (const path of filesBelow(folder)) {
    if (basename(path).startsWith('.')) continue
    if (!path.endsWith('.jsonl')) {
      stream.oddities.push(`unknown file ${relative(folder, path)}`)
      continue
    }
    addFile(stream, path, relative(folder, path))
  }
  return stream
}

function addFile(stream: VisibleStream, path: string, name: string): void {
  const file = readCached(path)
  stream.oddities.push(...file.oddities.map((oddity) => `${name}: ${oddity}`))
  const starts = new Set(file.rows.map(({ start }) => start))
  if (starts.size > 1) stream.oddities.push(`${name} has rows of ${starts.size} ranges`)
  for (const { start, ...row } of file.rows) {
    const range = stream.ranges.get(start) ?? { start, rows: [], files: [] }
    stream.ranges.set(start, range)
    range.rows.push(row)
    if (!range.files.includes(name)) range.files.push(name)
  }
}

/** Files never change once they are visible; a new one has another inode or time. */
function readCached(path: string): ReadFile {
  const { ino, mtimeMs, ctimeMs, size } = statSync(path)
  const stamp = `${ino} ${mtimeMs} ${ctimeMs} ${size}`
  const known = cache.get(path)
  if (known?.stamp === stamp) return known
  const file = parseFile(readFileSync(path, 'utf8'), stamp)
  cache.set(path, file)
  return file
}

function parseFile(text: string, stamp: string): ReadFile {
  const file: ReadFile = { stamp, rows: [], oddities: [] }
  if (text !== '' && !text.endsWith('\n')) file.oddities.push('its last line is cut')
  text.split('\n').forEach((line, at) => {
    if (line === '') return
    try {
      const row = JSON.parse(line) as Record<string, unknown>
      const from = row._derrick_range
      const start = from === null ? 'full' : Date.parse(String(from))
      const syncedAt = Date.parse(String(row._derrick_synced_at))
      if (Number.isNaN(start) || Number.isNaN(syncedAt)) throw new Error('no range or time')
      const record = canonicalRecord(line, ours)
      file.rows.push({ start, syncedAt, record, digest: digestOf(record) })
    } catch (error) {
      file.oddities.push(`line ${at + 1}: ${error instanceof Error ? error.message : error}`)
    }
  })
  return file
}

/** All files below a folder; none when it is not there. */
export function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name))
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return []
    throw error
  }
}
