import { type ColumnType, columnTypes } from '../../schema/column-type.ts'
import type { StreamColumns } from '../../schema/stream.ts'

/** Declared types as lines of text: `price: number`. */
export const columnsText = (columns: StreamColumns): string =>
  Object.entries(columns)
    .map(([name, { type }]) => `${name}: ${type}`)
    .join('\n')

/** The types that lines declare, or what is wrong with the first bad line. Names may hold colons. */
export function readColumns(text: string): { columns: StreamColumns } | { error: string } {
  const found: [string, { type: ColumnType }][] = []
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue
    const at = line.lastIndexOf(':')
    const [name, type] = [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    const known = columnTypes.find((one) => one === type)
    if (at < 1 || name === '' || known === undefined)
      return { error: `has the line “${line}”; write field: ${columnTypes.join(' | ')}` }
    found.push([name, { type: known }])
  }
  return { columns: Object.fromEntries(found) }
}
