import type Sqlite from 'better-sqlite3'

/** What is left of a source's rate limits, as the governor stored it; `memory` is its JSON. */
export interface SourceBudgetRow {
  memory: unknown
  savedAt: number
}

export type SourceBudgetStore = ReturnType<typeof makeSourceBudgetStore>

export function makeSourceBudgetStore(db: Sqlite.Database) {
  const find = db.prepare(
    'select memory, saved_at as savedAt from source_budgets where source_id = ?',
  )
  // Nothing for a source that was deleted meanwhile.
  const save = db.prepare(
    `insert into source_budgets (source_id, memory, saved_at) select id, @memory, @savedAt from sources where id = @sourceId
     on conflict (source_id) do update set memory = excluded.memory, saved_at = excluded.saved_at`,
  )
  return {
    find: (sourceId: string): SourceBudgetRow | undefined => {
      const row = find.get(sourceId) as { memory: string; savedAt: number } | undefined
      return row && { memory: JSON.parse(row.memory), savedAt: row.savedAt }
    },
    save: (sourceId: string, { memory, savedAt }: SourceBudgetRow): void => {
      save.run({ sourceId, memory: JSON.stringify(memory), savedAt })
    },
  }
}
