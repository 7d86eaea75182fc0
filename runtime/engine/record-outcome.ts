import type { Receipt } from '../../schema/protocol.ts'
import type { RangeChange } from '../../schema/range-state.ts'
import type { AttemptOutcome } from '../store/attempts.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import type { RangeOutcome } from './range-task.ts'

/** An attempt under way. */
export interface Flight {
  /** as it was claimed */
  row: RangeRow
  attemptId: number
  /** by the destination; null until it was told */
  issuedFence: number | null
}

/** Writes the end of an attempt into the ledger: the range's transition and the attempt's row. */
export function recordOutcome(
  flight: Flight,
  outcome: RangeOutcome,
  context: StreamContext,
  deps: EngineDeps,
): RangeRow {
  const now = deps.now()
  const { issuedFence } = flight
  const extra: Partial<RangeRow> = { finishedAt: now }
  if (outcome.kind === 'completed') {
    const { receipt, progress } = outcome
    extra.records = receipt.records
    extra.bytes = receipt.bytes
    extra.checksum = receipt.checksum
    extra.rejects = progress.rejects
    if (!outcome.recovered) extra.pages = progress.pages
  } else {
    // The row told of the attempt while it ran; from here it tells again of what is committed, if anything is.
    const { pages, rejects } = flight.row.committedAt === null ? outcome.progress : flight.row
    extra.pages = pages
    extra.rejects = rejects
  }
  const change = changeOf(outcome, flight.row, context, deps)
  const issued = issuedFence === null ? [] : [{ kind: 'fence' as const, fence: issuedFence }]
  const row = deps.ranges.change(flight.row.id, [...issued, change], extra)
  const error = outcome.kind === 'failed' || outcome.kind === 'crashed' ? outcome.failure : null
  deps.attempts.finish(
    flight.attemptId,
    attemptOutcome(outcome),
    row.fence,
    now,
    outcome.progress,
    error,
  )
  return row
}

function changeOf(
  outcome: RangeOutcome,
  row: RangeRow,
  context: StreamContext,
  deps: EngineDeps,
): RangeChange {
  switch (outcome.kind) {
    case 'completed':
      return {
        kind: 'complete',
        receipt: outcome.receipt,
        rules: context,
        hasChanged: hasChanged(outcome.receipt, row),
        recovered: outcome.recovered,
      }
    case 'failed':
      return {
        kind: 'fail',
        failure: outcome.failure,
        retry: context.retry,
        now: deps.now(),
        random: deps.random(),
      }
    case 'cancelled':
      return { kind: 'release' }
    case 'crashed':
      return { kind: 'crash', failure: outcome.failure }
  }
}

/** A destination that can't tell leaves it to what was read. */
const hasChanged = ({ rowsChanged, checksum }: Receipt, before: RangeRow): boolean =>
  rowsChanged === null ? checksum !== before.checksum : rowsChanged > 0

function attemptOutcome(outcome: RangeOutcome): AttemptOutcome {
  switch (outcome.kind) {
    case 'completed':
      return outcome.recovered ? 'recovered' : 'complete'
    case 'failed':
      return 'failed'
    case 'cancelled':
      return 'cancelled'
    case 'crashed':
      return 'interrupted'
  }
}
