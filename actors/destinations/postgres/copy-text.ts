import { cleanText, type RowCounts } from '../row-json.ts'

/** What stands for null in COPY's text format. */
export const copyNull = '\\N'

/** Characters of which a text may hold none, if it is to be written as it is. */
const special = /[\\\n\r\t\0\ud800-\udfff]/
const escaped = /[\\\n\r\t]/
const escapes = /[\\\n\r\t]/g
const escapeOf: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A string as one field of COPY's text format; what no text column can hold is replaced and counted. */
export function copyString(value: string, counts: RowCounts): string {
  return special.test(value) ? escapeCopy(cleanText(value, counts)) : value
}

/** A text without hostile characters as one field. */
export function escapeCopy(text: string): string {
  return escaped.test(text) ? text.replace(escapes, (found) => escapeOf[found] as string) : text
}

const unescapes = /\\(.)/g
const charOf: Record<string, string> = { n: '\n', r: '\r', t: '\t', '\\': '\\' }

/** The fields of one line again; null where there was no value. */
export function readCopyLine(line: string): (string | null)[] {
  const cells: (string | null)[] = line.split('\t')
  for (let i = 0; i < cells.length; i += 1) {
    const cell = cells[i] as string
    if (cell === copyNull) cells[i] = null
    else if (cell.includes('\\')) {
      cells[i] = cell.replace(unescapes, (_, found: string) => charOf[found] ?? found)
    }
  }
  return cells
}
