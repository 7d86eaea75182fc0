import type { ColumnType } from '../../../schema/column-type.ts'
import type { Target } from '../../../schema/protocol.ts'
import type { LaneType } from './types.ts'

/** The server's types of what may be declared. */
export const declaredTypes: Record<ColumnType, LaneType> = {
  text: 'text',
  integer: 'bigint',
  number: 'numeric',
  boolean: 'boolean',
  timestamp: 'timestamptz',
  date: 'date',
}

/** The declared type of a field; keys keep the type of their values. */
export function declaredType({ columns, primaryKey }: Target, field: string): ColumnType | null {
  if (!columns || !Object.hasOwn(columns, field) || primaryKey.includes(field)) return null
  return columns[field] ?? null
}

/** How texts of a field are read: by its declared type; those of the cursor field are instants where they look like it. */
export const readAs = (target: Target, field: string): ColumnType | null =>
  declaredType(target, field) ??
  (field === target.cursorField && !target.primaryKey.includes(field) ? 'timestamp' : null)

const day = String.raw`(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])`
const date = new RegExp(`^${day}$`)
/** With a zone, and no finer than the server's microseconds: nothing of it is guessed or cut off. */
const instant = new RegExp(
  String.raw`^${day}[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):?[0-5]\d)$`,
)
const decimal = /^-?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,4})?$/

/** Whether a text can be taken for a value of the type without losing anything that matters. */
export function isOfType(text: string, type: ColumnType): boolean {
  switch (type) {
    case 'text':
      return true
    case 'integer':
    case 'number':
      return decimal.test(text)
    case 'boolean':
      return text === 'true' || text === 'false'
    case 'timestamp':
      return isDay(instant.exec(text))
    case 'date':
      return isDay(date.exec(text))
  }
}

function isDay(match: RegExpExecArray | null): boolean {
  if (!match) return false
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  return (
    year > 0 && (day <= 28 || day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate())
  )
}
