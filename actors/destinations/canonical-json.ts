import { isExact } from './raw-json.ts'

/** JSON text of a value with the names of every object in code unit order: equal data gives equal text. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null || isExact(value)) {
    return JSON.stringify(value) ?? 'null'
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const object = value as Record<string, unknown>
  const names = Object.keys(object)
    .filter((name) => object[name] !== undefined)
    .sort()
  const members = names.map((name) => `${JSON.stringify(name)}:${canonicalJson(object[name])}`)
  return `{${members.join(',')}}`
}
