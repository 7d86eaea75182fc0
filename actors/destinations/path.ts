import type { Row } from './writer.ts'

/** How deep a dotted path may go; deeper ones name nothing. */
const deepest = 32

/** A field's name or dotted path, split once. */
export interface FieldPath {
  name: string
  parts: string[]
}

export function fieldPath(name: string): FieldPath {
  return { name, parts: name.split('.').slice(0, deepest) }
}

/**
 * The value at a path, undefined when there is none. A field whose own name has the dots comes first; only own
 * properties count, so that `constructor.name` finds nothing in a record without such a field.
 */
export function valueAt(record: Row, path: FieldPath): unknown {
  if (Object.hasOwn(record, path.name)) return record[path.name]
  if (path.parts.length === 1) return undefined
  let value: unknown = record
  for (const part of path.parts) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Row)[part]
  }
  return value
}
