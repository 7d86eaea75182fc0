import type Sqlite from 'better-sqlite3'

/** One page of a list in order of creation: ids sort by time, so the last id seen is the whole keyset. */
export interface Page {
  after?: string
  limit: number
}

/**
 * Selects a page of a workspace's rows. `equals` holds fixed column names (never text from outside) and
 * values; those that are undefined don't filter.
 */
export function selectPage(
  db: Sqlite.Database,
  select: string,
  equals: Record<string, string | number | undefined>,
  { after, limit }: Page,
): unknown[] {
  const filters = Object.entries(equals).filter(([, value]) => value !== undefined)
  const where = [...filters.map(([column]) => `${column} = ?`), 'id > ?'].join(' and ')
  const values = filters.map(([, value]) => value)
  return db
    .prepare(`${select} where ${where} order by id limit ?`)
    .all(...values, after ?? '', limit)
}
