import type { JobRange, Target } from '../../../schema/protocol.ts'
import { sweepStream } from './chunked.ts'
import { sqlState } from './errors.ts'
import { ledgerKey, tableNames } from './ledger.ts'
import { quoted } from './names.ts'
import type { Sessions } from './sessions.ts'
import { loadTable } from './table-info.ts'
import { rangeColumn, syncedColumn } from './types.ts'

/**
 * Deletes the rows of a stream, and what the ledger says of it, in one transaction; the table stays, with its views and
 * grants. Attempts that have claimed a range find no row of theirs any more, so none of them can commit.
 */
export async function clearStream(sessions: Sessions, target: Target): Promise<void> {
  const names = tableNames(target)
  await sweepStream(sessions, names, target.streamKey)
  try {
    await sessions.transaction(null, async (client) => {
      const { rows } = await client.query(
        `delete from ${names.ledger} where stream_key = $1 and table_name = $2 returning table_id`,
        [target.streamKey, names.table],
      )
      const table = await loadTable(client, names)
      const stamps = rows as { table_id: string | null }[]
      if (!table || !stamps.some(({ table_id: id }) => id !== null && Number(id) === table.id))
        return
      await client.query(`delete from ${names.full} where ${quoted(syncedColumn)} is not null`)
    })
  } catch (error) {
    // Without a ledger nothing was ever written.
    if (!/^(42P01|3F000)$/.test(sqlState((error as { cause?: unknown }).cause) ?? '')) throw error
  }
}

/**
 * Deletes the rows that these ranges wrote last, and what the ledger says of them, in one transaction. Attempts that have
 * claimed one of them find no row of theirs any more.
 */
export async function clearRanges(
  sessions: Sessions,
  target: Target,
  ranges: JobRange[],
): Promise<void> {
  const names = tableNames(target)
  const keys = ranges.map((range) => ledgerKey(target, range))
  try {
    await sessions.transaction(null, async (client) => {
      const { rows } = await client.query(
        `delete from ${names.ledger} l using unnest($3::timestamptz[], $4::timestamptz[]) as r (s, e)
         where l.stream_key = $1 and l.table_name = $2 and l.range_start = r.s and l.range_end = r.e
         returning table_id`,
        [target.streamKey, names.table, keys.map(({ start }) => start), keys.map(({ end }) => end)],
      )
      const table = await loadTable(client, names)
      const stamps = rows as { table_id: string | null }[]
      if (!table || !stamps.some(({ table_id: id }) => id !== null && Number(id) === table.id))
        return
      const range = quoted(rangeColumn)
      await client.query(
        `delete from ${names.full} where ${range} = any ($1::timestamptz[]) or (${range} is null and $2)`,
        [
          keys.flatMap(({ start }, i) => (ranges[i]?.kind === 'full' ? [] : [start])),
          ranges.some(({ kind }) => kind === 'full'),
        ],
      )
    })
  } catch (error) {
    // Without a ledger nothing was ever written.
    if (!/^(42P01|3F000)$/.test(sqlState((error as { cause?: unknown }).cause) ?? '')) throw error
  }
}
