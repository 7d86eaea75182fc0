import { columnName, quoted, variantName } from '../../../../actors/destinations/postgres/names.ts'
import { numberText } from '../../../../actors/destinations/postgres/number-text.ts'
import { isExact } from '../../../../actors/destinations/raw-json.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import type { Scene } from './scene.ts'

/**
 * The value of each field as a reader who knows the naming rules takes it: `coalesce(name__text, name)`, else what
 * `_derrick_extra` has. As text, JSON in one canonical form.
 */
export async function logicalRows(
  scene: Scene,
  fields: readonly string[],
  key = 'id',
): Promise<Map<string, Map<string, string>>> {
  const { rows: columns } = await scene.client.query(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
    [scene.table],
  )
  const known = new Set(columns.map(({ name }) => String(name)))
  const values = fields.map((field) => {
    const places = [variantName(field), columnName(field)].filter((name) => known.has(name))
    const parts = places.map((name) => `${quoted(name)}::text`)
    if (known.has('_derrick_extra')) {
      parts.push(
        `_derrick_extra ->> '${field.toWellFormed().replaceAll('\0', '\ufffd').replaceAll("'", "''")}'`,
      )
    }
    return parts.length === 0 ? 'null' : `coalesce(${parts.join(', ')})`
  })
  const { rows } = await scene.client.query({
    text: `select ${[`${quoted(key)}::text`, ...values].map((value, i) => `${value} as v${i}`).join(', ')} from ${scene.table}`,
  })
  const found = new Map<string, Map<string, string>>()
  for (const row of rows as Record<string, string | null>[]) {
    const given = new Map<string, string>()
    for (const [i, field] of fields.entries()) {
      const value = row[`v${i + 1}`]
      if (value !== null && value !== undefined) given.set(field, value)
    }
    found.set(String(row.v0), given)
  }
  return found
}

/** What must be read back for a value. Text is compared as it is, JSON by `sameJson`. */
export function expectedText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return clean(value)
  if (typeof value === 'object' && !isExact(value)) return JSON.stringify(value)
  const source = JSON.stringify(value)
  return numberText(source)?.text ?? source
}

export const clean = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

/** Whether two JSON texts hold the same, numbers by their digits and texts as the policy leaves them. */
export const sameJson = (a: string, b: string): boolean => canonical(a) === canonical(b)

function canonical(text: string): string {
  const value: unknown = JSON.parse(text, (_, value, context?: { source?: string }) =>
    typeof value === 'number'
      ? { number: trimmed(numberText(context?.source ?? String(value))?.text ?? String(value)) }
      : value,
  )
  return sorted(value)
}

const trimmed = (text: string): string =>
  text.includes('.') ? text.replace(/\.?0+$/, '').replace(/^-0$/, '0') : text

function sorted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(clean(value))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(sorted)}]`
  const members = Object.entries(value as Row).map(
    ([name, member]) => `${JSON.stringify(clean(name))}:${sorted(member)}`,
  )
  return `{${members.sort()}}`
}
