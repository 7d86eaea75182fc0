import type pg from 'pg'
import type { Receipt, Reject } from '../../../schema/protocol.ts'
import { checksumText } from '../row-hash.ts'
import { isSuspicious } from '../shrink.ts'
import type { RangeContext, ReadReport } from '../writer.ts'
import { loadPages } from './copy.ts'
import { deleteKind, mayShrink, ShrunkRead } from './deletes.ts'
import { fencedOff } from './errors.ts'
import { identityColumns, isKeyed } from './identity.ts'
import {
  type Committed,
  commitValues,
  type LedgerKey,
  lockFence,
  recordCommit,
  type TableNames,
} from './ledger.ts'
import type { MergeShape } from './merge.ts'
import { partLost } from './part.ts'
import { StageColumns } from './stage.ts'
import { type PreparedTable, shapeOf } from './table-info.ts'
import { laneOf, type SeenFields } from './types.ts'

/** All that one try of a commit works with. */
export interface CommitInput {
  names: TableNames
  key: LedgerKey
  fence: number
  context: RangeContext
  report: ReadReport
  seen: SeenFields
  table: PreparedTable
  stage: StageColumns
  shape: MergeShape
  /** rows that turned out to be unwritable: their key does not fit its column */
  rejects: Reject[]
}

/** What is known of a table turned out to be wrong; it is looked at again. */
export class StaleTable extends Error {}

export function commitInput(
  base: Pick<CommitInput, 'names' | 'key' | 'fence' | 'context' | 'report' | 'seen'>,
  table: PreparedTable,
): CommitInput {
  const { target, range } = base.context
  const stage = new StageColumns(base.seen, isKeyed(target))
  const shape: MergeShape = {
    names: base.names,
    target,
    identity: identityColumns(target),
    plan: table.plan,
    stage,
    columns: table.types,
    isFull: range.kind === 'full',
  }
  return { ...base, table, stage, shape, rejects: [] }
}

/** Rows that the attempt lands: what it read without what it read twice. */
export const rowCount = ({ context: { spool } }: CommitInput): number =>
  spool.records - spool.superseded.size

export function receiptFor(input: CommitInput, rowsChanged: number): Receipt {
  return {
    fence: input.fence,
    records: rowCount(input) - input.rejects.length,
    bytes: input.context.spool.bytes,
    rowsChanged,
    checksum: checksumText(input.report.checksum),
    fetchedFrom: input.report.fetchedFrom,
    committedAt: Date.now(),
  }
}

export const pagesOf = ({ context }: CommitInput) => loadPages(context.spool)

/**
 * First act of every commit: the range's row in the ledger, held to the end. The receipt when this attempt has committed
 * already (its answer was lost).
 */
export async function holdFence(
  client: pg.Client,
  { names, key, fence, table, report }: CommitInput,
): Promise<{ done: Receipt } | { committed: Committed | null }> {
  const held = await lockFence(client, names, key, fence)
  if (!held) throw fencedOff()
  if (held.committed?.receipt.fence === fence) return { done: held.committed.receipt }
  if (report.isPart && !held.committed) throw partLost()
  if (held.tableId !== table.info.id) throw new StaleTable('another table has this name now')
  // From here to the end nobody can add a column that this commit would not know of.
  await client.query(`lock table ${names.full} in row exclusive mode`)
  const { rows } = await client.query(`select ${shapeOf(`${table.info.id}::oid`)} as shape`)
  const { shape } = rows[0] as { shape: string }
  if (shape !== table.info.shape) throw new StaleTable('the table has other columns now')
  return { committed: held.committed }
}

export async function record(
  client: pg.Client,
  input: CommitInput,
  receipt: Receipt,
): Promise<Receipt> {
  const { names, table } = input
  const { rowCount: done } = await client.query(recordCommit(names), [
    ...commitValues(input, receipt, table.info.id),
    receipt.rowsChanged,
  ])
  // The row is locked since the transaction began.
  if (done !== 1) throw fencedOff()
  return receipt
}

/** Whether every value's own text is what its column takes: then pages go to the table as they are. */
export function isDirect({ table: { plan }, seen }: CommitInput): boolean {
  if (seen.extra || seen.deleted || plan.extra.length > 0 || plan.unfit.length > 0) return false
  return plan.assignments.every(({ type, parts }) => {
    const [part] = parts
    if (!part) return true
    if (parts.length > 1 || part.share !== 'all') return false
    // jsonb writes its own text; that of the page may have other spaces.
    return !(type === 'text' && laneOf(part.laneType) === 'json')
  })
}

/** A table made for an empty range has no column for the key yet, and no rows. */
export const isMergeable = ({ shape }: CommitInput): boolean =>
  shape.identity.every((name) => shape.columns.has(name))

/** How absent rows are deleted in this commit; throws `ShrunkRead` when there are suspiciously many. */
export function deletesNow(
  input: CommitInput,
  committed: Committed | null,
): 'hard' | 'soft' | null {
  const { target, range } = input.context
  const kind = deleteKind(target, range)
  // What was not asked for is not absent.
  if (!kind || !committed || input.report.isPart) return null
  const before = committed.receipt.records
  const now = rowCount(input)
  if (isSuspicious(range, before, now) && !mayShrink(range, committed))
    throw new ShrunkRead(before, now)
  return kind
}
