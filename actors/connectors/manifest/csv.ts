import { derrickError } from '../../../schema/error.ts'
import { setOwn } from '../../../schema/manifest/expression/value.ts'

/** Wider tables are no tables. */
const maxColumns = 10_000
const [quote, lineFeed, carriageReturn] = [0x22, 0x0a, 0x0d]

/**
 * Records of a table in CSV (RFC 4180): the first row has the names, all values are texts. Rows may end in LF or CRLF, quoted
 * values may hold delimiters, line breaks and doubled quotes; empty lines are skipped. A row that is too short lacks its last
 * fields; values beyond the names get names by their place.
 * @throws DerrickError csv.empty, csv.cut (network), csv.too_wide (transform)
 */
export function parseCsv(text: string, delimiter: string): Record<string, unknown>[] {
  const rows = new RowReader(text, delimiter)
  const header = rows.next()
  // Even a table without rows has names: an answer of nothing is no table.
  if (!header) throw empty()
  const names = header.map((name, at) => (name.trim() === '' ? `column_${at + 1}` : name.trim()))
  makeUnique(names)
  const records: Record<string, unknown>[] = []
  for (let row = rows.next(); row; row = rows.next()) {
    const record: Record<string, unknown> = {}
    for (let at = 0; at < row.length; at++)
      setOwn(record, names[at] ?? `column_${at + 1}`, row[at] as string)
    records.push(record)
  }
  return records
}

/** Two columns of one name: the second is the one with a number. */
function makeUnique(names: string[]): void {
  const seen = new Set<string>()
  for (const [at, name] of names.entries()) {
    let unique = name
    for (let nth = 2; seen.has(unique); nth++) unique = `${name}_${nth}`
    seen.add(unique)
    names[at] = unique
  }
}

class RowReader {
  readonly #text: string
  readonly #delimiter: number
  #at: number

  constructor(text: string, delimiter: string) {
    this.#text = text
    this.#delimiter = delimiter.charCodeAt(0)
    this.#at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  }

  /** The next row that is not an empty line; null after the last. */
  next(): string[] | null {
    while (this.#at < this.#text.length) {
      const row = this.#row()
      if (row.length > 1 || row[0] !== '') return row
    }
    return null
  }

  #row(): string[] {
    const row: string[] = []
    for (;;) {
      row.push(this.#text.charCodeAt(this.#at) === quote ? this.#quoted() : this.#plain())
      if (row.length > maxColumns) throw tooWide()
      if (this.#text.charCodeAt(this.#at) !== this.#delimiter) break
      this.#at += 1
    }
    if (this.#text.charCodeAt(this.#at) === carriageReturn) this.#at += 1
    if (this.#text.charCodeAt(this.#at) === lineFeed) this.#at += 1
    return row
  }

  /** Up to the delimiter or the line's end. */
  #plain(): string {
    const start = this.#at
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === this.#delimiter || code === lineFeed) break
      if (code === carriageReturn && this.#isLineEnd(this.#at)) break
    }
    return this.#text.slice(start, this.#at)
  }

  /** A CR within a value is the value's. */
  #isLineEnd(at: number): boolean {
    return at + 1 >= this.#text.length || this.#text.charCodeAt(at + 1) === lineFeed
  }

  #quoted(): string {
    let value = ''
    let from = this.#at + 1
    for (;;) {
      const end = this.#text.indexOf('"', from)
      if (end < 0) throw cut()
      value += this.#text.slice(from, end)
      if (this.#text.charCodeAt(end + 1) !== quote) {
        this.#at = end + 1
        // What stands between the quote and the delimiter belongs to the value, whatever its writer meant.
        return value + this.#plain()
      }
      value += '"'
      from = end + 2
    }
  }
}

const empty = () =>
  derrickError('network', 'csv.empty', 'the answer is empty, without the names of its columns', {
    remedy:
      'it is asked for again; where the API answers so when there is nothing, say so: errors: [{when: {status: 200, if: response == null}, then: empty}]',
  })

const cut = () =>
  derrickError('network', 'csv.cut', 'the table ends within a quoted value', {
    remedy: 'it is asked for again; if that does not help, its quotes are broken',
  })

const tooWide = () =>
  derrickError('transform', 'csv.too_wide', `a row has more than ${maxColumns} columns`, {
    remedy: 'check records.format and records.delimiter in the manifest',
  })
