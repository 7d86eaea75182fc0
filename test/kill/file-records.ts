import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { canonicalRecord, digestOf, ours } from './canonical.ts'
import type { RangeStart, VisibleRow, VisibleStream } from './visible.ts'

interface ReadFile {
  stamp: string
  rows: (VisibleRow & { start: RangeStart })[]
  oddities: string[]
}

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
    const range = stream.ranges.get(start) ?? { start, rows: [], places: [] }
    stream.ranges.set(start, range)
    range.rows.push(row)
    if (!range.places.includes(name)) range.places.push(name)
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
      const key = String(row.id ?? row.sku)
      file.rows.push({ start, key, syncedAt, record, digest: digestOf(record) })
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
