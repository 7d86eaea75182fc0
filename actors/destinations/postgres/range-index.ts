import type pg from 'pg'
import type { TableNames } from './ledger.ts'
import { quoted } from './names.ts'
import type { Sessions } from './sessions.ts'
import type { TableInfo } from './table-info.ts'
import { rangeColumn } from './types.ts'

/** Smaller tables are read as fast as an index. */
const leastBytes = 8 * 1024 * 1024
/** Building it waits for every transaction that is open; one that stays open longer is not worth the wait. */
const patience = '10s'

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
      const { large, indexed } = await lookAt(client, info)
      // Asked again with the next commit, when the table may have grown.
      if (!large) info.hasRangeIndex = false
      if (large && !indexed) await build(client, names, info)
    })
  } catch {
    signal.throwIfAborted()
  }
}

async function lookAt(
  client: pg.Client,
  { id }: TableInfo,
): Promise<{ large: boolean; indexed: boolean }> {
  const { rows } = await client.query(
    `select pg_relation_size(c.oid) as bytes, exists (
       select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       where i.indrelid = c.oid and i.indisvalid and a.attname = $2) as indexed
     from pg_class c where c.oid = $1::bigint::oid`,
    [id, rangeColumn],
  )
  const found = rows[0] as { bytes: string; indexed: boolean } | undefined
  return { large: Number(found?.bytes ?? 0) >= leastBytes, indexed: found?.indexed ?? true }
}

async function build(client: pg.Client, names: TableNames, { id }: TableInfo): Promise<void> {
  const index = `_derrick_range_${id}`
  const { rows } = await client.query('select pg_try_advisory_lock($1, $2) as mine', [
    Number.parseInt('derrick', 36) % 2 ** 31,
    id % 2 ** 31,
  ])
  if (!(rows[0] as { mine: boolean }).mine) return
  try {
    await client.query(`set lock_timeout = '${patience}'`)
    // What a failed try left is invalid: it costs writes and serves nobody.
    await client.query(`drop index concurrently if exists ${quoted(names.schema)}.${quoted(index)}`)
    await client.query(
      `create index concurrently ${quoted(index)} on ${names.full} (${quoted(rangeColumn)})`,
    )
  } finally {
    await client.query('reset lock_timeout; select pg_advisory_unlock_all()')
  }
}
