import { canonicalJson } from './canonical-json.ts'
import { type FieldPath, fieldPath, valueAt } from './path.ts'
import type { Row } from './writer.ts'

/** The paths of a primary key, ready for `keyText`. */
export function keyPaths(primaryKey: readonly string[]): FieldPath[] {
  return primaryKey.map(fieldPath)
}

/**
 * A record's key as text that no other key has: the JSON of its value, a JSON array for more than one field, so that
 * `1` and `"1"`, or `["a,b"]` and `["a","b"]`, differ. Null when a field is missing or null: such a record has no key.
 */
export function keyText(record: Row, paths: readonly FieldPath[]): string | null {
  const values: string[] = []
  for (const path of paths) {
    const value = valueAt(record, path)
    if (value === undefined || value === null) return null
    values.push(canonicalJson(value))
  }
  return values.length === 1 ? (values[0] as string) : `[${values.join(',')}]`
}
