import { setOwn } from '../../../schema/manifest/expression/value.ts'
import type { Row } from '../../destinations/writer.ts'
import { copyOf, isRecord } from './value.ts'

/**
 * JSON:API: puts each record's related resources, as far as the answer includes them, under `included` by the name of the relation:
 * one resource, or a list for to-many relations.
 */
export function includeRelated(rows: Row[], response: unknown): Row[] {
  const included =
    isRecord(response) && Object.hasOwn(response, 'included') ? response.included : null
  if (!Array.isArray(included) || included.length === 0) return rows
  const resources = new Map<string, unknown>()
  for (const resource of included) {
    const key = keyOf(resource)
    if (key !== null) resources.set(key, resource)
  }
  return rows.map((row) => {
    const relations = Object.hasOwn(row, 'relationships') ? row.relationships : null
    if (!isRecord(relations)) return row
    const related: Row = {}
    for (const [name, relation] of Object.entries(relations)) {
      const data = isRecord(relation) && Object.hasOwn(relation, 'data') ? relation.data : null
      const found = Array.isArray(data)
        ? data.map((item) => lookUp(item, resources)).filter((item) => item !== undefined)
        : lookUp(data, resources)
      if (found !== undefined) setOwn(related, name, found)
    }
    return Object.keys(related).length === 0 ? row : { ...copyOf(row), included: related }
  })
}

const lookUp = (identifier: unknown, resources: Map<string, unknown>): unknown => {
  const key = keyOf(identifier)
  return key === null ? undefined : resources.get(key)
}

function keyOf(value: unknown): string | null {
  if (!isRecord(value) || !Object.hasOwn(value, 'type') || !Object.hasOwn(value, 'id')) return null
  return JSON.stringify([value.type, value.id])
}
