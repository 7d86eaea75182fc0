import { canonicalJson } from './canonical-json.ts'
import { type DuplicateKey, jsonKey, plainKey } from './duplicates.ts'
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

/** The name of a key of one field that is no path; null for any other key. */
export function singleName([first, ...others]: readonly FieldPath[]): string | null {
  return first && others.length === 0 && first.parts.length === 1 ? first.name : null
}

/** A record's key for `Duplicates`; `single` is its `singleName`. Null when a part of the key is missing. */
export function duplicateKey(
  record: Row,
  paths: readonly FieldPath[],
  single: string | null,
): DuplicateKey | null {
  const value = single === null ? undefined : record[single]
  if (typeof value === 'string' || typeof value === 'number') return plainKey(value)
  const text = keyText(record, paths)
  return text === null ? null : jsonKey(text)
}
