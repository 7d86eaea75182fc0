import { compilePath } from '../../../schema/manifest/path.ts'
import type { PreviewKey } from '../../../schema/preview.ts'
import type { Row } from '../../destinations/writer.ts'

const mostCandidates = 5
/** Fewer records prove nothing about uniqueness. */
const fewestForCandidates = 2

/** How well a key identifies records, and which fields would. */
export function checkKey(records: readonly Row[], declared: readonly string[]): PreviewKey {
  const parts = declared.map((path) => compilePath(path))
  const seen = new Set<string>()
  const result: PreviewKey = {
    declared: [...declared],
    checked: records.length,
    missing: 0,
    duplicates: 0,
    example: null,
    candidates: candidatesOf(records),
  }
  if (parts.length === 0) return result
  for (const record of records) {
    const values = parts.map((part) => part(record) ?? null)
    if (values.includes(null)) {
      result.missing += 1
      continue
    }
    const text = JSON.stringify(values)
    if (seen.has(text)) {
      result.duplicates += 1
      result.example ??= values
        .map((value) => JSON.stringify(value))
        .join(', ')
        .slice(0, 120)
    }
    seen.add(text)
  }
  return result
}

/** Likely names first: a record's own id is seldom called otherwise. */
function candidatesOf(records: readonly Row[]): string[] {
  const [first] = records
  if (!first || records.length < fewestForCandidates) return []
  const unique = Object.keys(first)
    .filter((name) => isUnique(records, name))
    .sort((a, b) => rank(a) - rank(b))
  // Prices and times happen to be unique; they are named only where nothing else is.
  const likely = unique.filter((name) => rank(name) < 2)
  return (likely.length > 0 ? likely : unique).slice(0, mostCandidates)
}

function isUnique(records: readonly Row[], name: string): boolean {
  const seen = new Set<unknown>()
  for (const record of records) {
    const value = Object.hasOwn(record, name) ? record[name] : null
    if (typeof value !== 'string' && typeof value !== 'number') return false
    if (value === '' || seen.has(value)) return false
    seen.add(value)
  }
  return true
}

function rank(name: string): number {
  if (/^(id|uuid|guid|gid|_id)$/i.test(name)) return 0
  if (/(^|_)(id|uuid|key|sku|code|token|handle|slug|number)$/i.test(name)) return 1
  return /(time|date|_at)$/i.test(name) ? 3 : 2
}
