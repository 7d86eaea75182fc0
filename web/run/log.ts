import type { Activity } from '../../schema/event.ts'

/** Lines that the log keeps; older ones are in the API. */
export const maxLines = 500

/** Joins lines that were read with lines that came live: by id, without doubles, the newest `maxLines`. */
export function mergeLines(known: readonly Activity[], more: readonly Activity[]): Activity[] {
  const byId = new Map(known.map((line) => [line.id, line]))
  for (const line of more) byId.set(line.id, line)
  return [...byId.values()].sort((a, b) => a.id - b.id).slice(-maxLines)
}

export const logLevels = ['all', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** Lines of a level and worse that contain a text. */
export function filterLines(lines: readonly Activity[], level: LogLevel, text: string): Activity[] {
  const wanted = text.trim().toLowerCase()
  return lines.filter(
    (line) =>
      (level === 'all' || line.level === 'error' || (level === 'warn' && line.level === 'warn')) &&
      (wanted === '' || `${line.kind} ${line.message}`.toLowerCase().includes(wanted)),
  )
}
