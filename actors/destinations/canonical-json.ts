import { isExact } from './raw-json.ts'

/** JSON text of a value with the names of every object in code unit order: equal data gives equal text. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) {
    let items = ''
    for (const item of value) items += `,${canonicalJson(item)}`
    return `[${items.slice(1)}]`
  }
  if (isExact(value)) return JSON.stringify(value)
  const object = value as Record<string, unknown>
  let members = ''
  for (const name of Object.keys(object).sort()) {
    const member = object[name]
    if (member !== undefined) members += `,${JSON.stringify(name)}:${canonicalJson(member)}`
  }
  return `{${members.slice(1)}}`
}
