import type pg from 'pg'
import type { TableNames } from './ledger.ts'
import { quoted } from './names.ts'
import type { Sessions } from './sessions.ts'
import type { TableInfo } from './table-info.ts'
import { rangeColumn } from './types.ts'

/** Smaller tables are read as fast as an index. */
const leastBytes = 8 * 1024 * 1024
/** Building it waits for every transaction that is open; one that has been open for so long is not worth the wait. */
const longTransaction = '10s'

/**
 * An index on the range column, made without blocking anybody when rows of a range are to be deleted for the first time. If it
 * cannot be made now, deletes are slower and nothing else.
 */
export async function ensureRangeIndex(
  sessions: Sessions,
  names: TableNames,
  info: TableInfo,
  signal: AbortSignal,
): Promise<void> {
  if (info.hasRangeIndex) return
  info.hasRangeIndex = true
  try {
    await sessions.run(signal, async (client) => {
      const { large, indexed, busy } = await lookAt(client, info)
      // Asked again with the next commit, when the table may have grown, or others be done.
      if (!large || busy) info.hasRangeIndex = false
      if (large && !indexed && !busy) await build(client, names, info)
    })
  } catch {
    signal.throwIfAborted()
  }
}

async function lookAt(
  client: pg.Client,
  { id }: TableInfo,
): Promise<{ large: boolean; indexed: boolean; busy: boolean }> {
  const { rows } = await client.query(
    `select pg_relation_size(c.oid) as bytes, exists (
       select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       where i.indrelid = c.oid and i.indisvalid and a.attname = $2) as indexed, exists (
       select from pg_stat_progress_create_index p where p.relid = c.oid union all
       select from pg_stat_activity s where s.datname = current_database()
         and s.xact_start < now() - $3::interval) as busy
     from pg_class c where c.oid = $1::bigint::oid`,
    [id, rangeColumn, longTransaction],
  )
  const found = rows[0] as { bytes: string; indexed: boolean; busy: boolean } | undefined
  return {
    large: Number(found?.bytes ?? 0) >= leastBytes,
    indexed: found?.indexed ?? true,
    busy: found?.busy ?? false,
  }
}

/** Nothing is set in, or held by, the session: behind a pooler each statement may meet another one, and others meet it next. */
async function build(client: pg.Client, names: TableNames, { id }: TableInfo): Promise<void> {
  const index = quoted(`_derrick_range_${id}`)
  const on = `${names.full} (${quoted(rangeColumn)})`
  // What a failed try left is invalid: it costs writes and serves nobody.
  await client.query(`drop index concurrently if exists ${quoted(names.schema)}.${index}`)
  await client.query(`create index concurrently if not exists ${index} on ${on}`)
}
