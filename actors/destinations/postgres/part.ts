import type pg from 'pg'
import { derrickError } from '../../../schema/error.ts'
import type { Receipt } from '../../../schema/protocol.ts'
import type { Committed, LedgerKey, TableNames } from './ledger.ts'
import { literal, quoted } from './names.ts'
import { rangeColumn } from './types.ts'

/**
 * Of a range that a part was added to: as many rows as there are now, those that came from other ranges included; their size
 * by the rows of both reads.
 */
export async function receiptOfPart(
  client: pg.Client,
  { names, key }: { names: TableNames; key: LedgerKey },
  part: Receipt,
  before: Committed,
): Promise<Receipt> {
  const { rows } = await client.query(
    `select count(*) as count from ${names.full} where ${quoted(rangeColumn)} = ${literal(key.start)}::timestamptz`,
  )
  const records = Number((rows[0] as { count: string }).count)
  const read = before.receipt.records + part.records
  const bytes = read === 0 ? 0 : ((before.receipt.bytes + part.bytes) * records) / read
  // Sums of what was read at different times do not add up to one of what is there.
  return { ...part, records, bytes: Math.round(bytes), checksum: '' }
}

/** The table was dropped, or the range cleared, while a part of it was read. */
export const partLost = (): Error =>
  derrickError('network', 'postgres.part', 'what this part was to be added to is gone', {
    remedy: 'nothing to do: all of the range is read next',
  })
