import { hash } from 'node:crypto'

/** PostgreSQL cuts names at 63 bytes, silently. */
const longestName = 63
const hashLength = 7
/** Values of a field that don't fit its column's type go to the column of this suffix. */
const variantSuffix = '__text'
const systemColumns = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid', 'oid'])

/**
 * The column of a record's field. Most names stay as they are; any other is cleaned and gets `_` and 6 hex digits of its own
 * hash, so what becomes of a name never depends on which names came before.
 */
export function columnName(field: string): string {
  const reserved = systemColumns.has(field) || isOurs(field) || field.endsWith(variantSuffix)
  return isStorable(field) && !reserved ? field : cleaned(field)
}

/** The column for values of `field` that its own column cannot hold. */
export function variantName(field: string): string {
  const name = `${columnName(field)}${variantSuffix}`
  return isStorable(name) ? name : cleaned(name)
}

export function tableName(table: string): string {
  return isStorable(table) && !isOurs(table) ? table : cleaned(table)
}

export function schemaName(namespace: string): string {
  const system = /^pg_/i.test(namespace) || namespace === 'information_schema'
  return isStorable(namespace) && !system && !isOurs(namespace) ? namespace : cleaned(namespace)
}

/** A name as SQL, whatever it holds. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A text as SQL, whatever the server takes backslashes for. */
export function literal(text: string): string {
  const plain = text.replaceAll("'", "''")
  return plain.includes('\\') ? ` E'${plain.replaceAll('\\', '\\\\')}'` : `'${plain}'`
}

/** A text that any server of UTF-8 takes. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

const isOurs = (name: string): boolean => /^_derrick/i.test(name)

const isStorable = (name: string): boolean =>
  name !== '' &&
  name.isWellFormed() &&
  !name.includes('\0') &&
  Buffer.byteLength(name) <= longestName

function cleaned(name: string): string {
  const safe = storable(name)
  const free = isOurs(safe) || /^pg_/i.test(safe) ? `x${safe}` : safe
  return `${cutToBytes(free, longestName - hashLength)}_${hash('sha256', name, 'hex').slice(0, 6)}`
}

function cutToBytes(text: string, bytes: number): string {
  let cut = ''
  let used = 0
  for (const character of text) {
    used += Buffer.byteLength(character)
    if (used > bytes) break
    cut += character
  }
  return cut
}
