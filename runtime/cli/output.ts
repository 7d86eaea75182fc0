import { styleText } from 'node:util'
import { stringify } from 'yaml'

export type OutputFormat = 'table' | 'json' | 'yaml'

/** One column of a table: its title and what stands in it. */
export interface Column<T> {
  title: string
  text: (row: T) => string
}

const longestCell = 60
const colours: Record<string, Parameters<typeof styleText>[0]> = {
  complete: 'green',
  running: 'cyan',
  failed: 'red',
  partial: 'yellow',
  cancelled: 'gray',
}

/** Data go to stdout in one of three forms; scripts get the API's own fields, people a table. */
export function printRows<T>(rows: T[], columns: Column<T>[], format: OutputFormat): void {
  if (format === 'json') process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else if (format === 'yaml') process.stdout.write(stringify(rows))
  else process.stdout.write(table(rows, columns))
}

function table<T>(rows: T[], columns: Column<T>[]): string {
  const cells = rows.map((row) => columns.map((column) => cut(column.text(row))))
  const titles = columns.map((column) => column.title)
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)),
  )
  const line = (row: string[], colour: (text: string) => string): string =>
    row
      .map((cell, i) => colour(cell) + ' '.repeat((widths[i] ?? 0) - cell.length))
      .join('  ')
      .trimEnd()
  const lines = [line(titles, (text) => text), ...cells.map((row) => line(row, paint))]
  return `${lines.join('\n')}\n`
}

/** Control characters of foreign texts are shown, not obeyed. */
export const plain = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ')

function cut(text: string): string {
  const safe = plain(text)
  return safe.length > longestCell ? `${safe.slice(0, longestCell - 1)}…` : safe
}

function paint(cell: string): string {
  const colour = Object.hasOwn(colours, cell) ? colours[cell] : undefined
  return colour && process.stdout.isTTY ? styleText(colour, cell) : cell
}
