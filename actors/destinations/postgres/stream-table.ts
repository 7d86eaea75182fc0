import { flagPolicy } from '../flagged.ts'
import { deleteKind } from './deletes.ts'
import type { Sessions } from './sessions.ts'
import { prepareTable, type StreamNames } from './table.ts'
import {
  loadTable,
  type PreparedTable,
  planFor,
  preparedTable,
  type TableInfo,
} from './table-info.ts'
import type { SeenFields } from './types.ts'

/** What the attempts of one stream in this worker know of its table. */
export interface StreamTable {
  info: TableInfo | null
}

/** Who wants a table for what. */
export interface TableWish extends StreamNames {
  seen: SeenFields
  range: Parameters<typeof deleteKind>[1]
  signal: AbortSignal
  onSchemaChange: (table: string, columns: { name: string; type: string }[]) => void
}

/** The stream's table with a place for all that was seen: looked up once, changed only when something is missing. */
export async function fitTable(
  sessions: Sessions,
  table: StreamTable,
  { names, target, key, seen, range, signal, onSchemaChange }: TableWish,
): Promise<PreparedTable> {
  const isMarked = seen.deleted && flagPolicy(target) === 'mark'
  const needs = { seen, isSoft: isMarked || deleteKind(target, range) === 'soft' }
  table.info ??= await sessions.run(signal, (client) => loadTable(client, names))
  const known = table.info
  const plan = known?.isStamped ? planFor(target, needs, known) : null
  if (known && plan && plan.create.length + plan.widen.length === 0) {
    return preparedTable(known, plan)
  }
  const fixed = known?.fixed ?? new Set<string>()
  const made = await prepareTable(sessions, { names, target, key }, needs, fixed, signal)
  table.info = made.info
  if (made.changed.length > 0) onSchemaChange(`${target.namespace}.${target.table}`, made.changed)
  return made
}
