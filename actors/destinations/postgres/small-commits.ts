import type { Receipt } from '../../../schema/protocol.ts'
import { type CommitInput, commitInput, StaleTable } from './commit.ts'
import { isStale } from './errors.ts'
import { commitGroup, type GroupOutcome } from './group.ts'
import type { Sessions } from './sessions.ts'
import { fitTable, type StreamTable } from './stream-table.ts'
import { joinFields } from './types.ts'

/** Ranges, rows and bytes of one group at most: it is one statement, and all in memory. */
const mostRanges = 100
const mostRows = 5_000
const mostBytes = 4 * 1024 * 1024
/** Cells: ranges of other fields make each other's rows wider. */
const mostCells = 400_000

/** A range that is read to its end and small. */
export type SmallRange = Pick<
  CommitInput,
  'names' | 'key' | 'fence' | 'context' | 'report' | 'seen'
>

interface Waiting {
  range: SmallRange
  /** ranges of one likeness share table, key and rules */
  likeness: string
  isTaken: boolean
  resolve: (outcome: Receipt | null) => void
  reject: (error: unknown) => void
}

/**
 * Small ranges of one stream that wait for a commit slot. The first that gets one takes along all that wait with it: when
 * nothing is under way a range goes at once and alone, and the busier the destination is, the more of them share a transaction.
 */
export class SmallCommits {
  readonly #sessions: Sessions
  readonly #table: StreamTable
  #waiting: Waiting[] = []

  constructor(sessions: Sessions, table: StreamTable) {
    this.#sessions = sessions
    this.#table = table
  }

  /** The receipt of a range that was committed with others; null: it has to commit on its own. */
  commit(range: SmallRange): Promise<Receipt | null> {
    return new Promise((resolve, reject) => {
      const { primaryKey, writeMode, deletes, cursorField, tracks } = range.context.target
      const likeness = JSON.stringify([primaryKey, writeMode, deletes, cursorField, tracks])
      const waiting: Waiting = { range, likeness, isTaken: false, resolve, reject }
      this.#waiting.push(waiting)
      range.context.commitSlot().then(
        () => this.#lead(waiting),
        (error: unknown) => this.#leave(waiting, error),
      )
    })
  }

  /** Given up while it waited; one that is taken along is over when its group is. */
  #leave(waiting: Waiting, error: unknown): void {
    if (waiting.isTaken) return
    this.#take([waiting])
    waiting.reject(error)
  }

  #lead(leader: Waiting): void {
    if (leader.isTaken) return
    const group = [leader]
    let { records: rows, bytes } = leader.range.context.spool
    const fields = new Set(leader.range.seen.fields.keys())
    for (const other of this.#waiting) {
      if (other === leader || other.likeness !== leader.likeness) continue
      const { spool, signal } = other.range.context
      if (signal.aborted || rows + spool.records > mostRows || bytes + spool.bytes > mostBytes)
        continue
      for (const field of other.range.seen.fields.keys()) fields.add(field)
      if ((rows + spool.records) * fields.size > mostCells) break
      rows += spool.records
      bytes += spool.bytes
      group.push(other)
      if (group.length === mostRanges) break
    }
    this.#take(group)
    if (group.length === 1) leader.resolve(null)
    else void this.#commit(group)
  }

  #take(group: Waiting[]): void {
    for (const waiting of group) waiting.isTaken = true
    this.#waiting = this.#waiting.filter(({ isTaken }) => !isTaken)
  }

  /** What fails together is tried alone: one range's trouble is no other one's. */
  async #commit(group: Waiting[]): Promise<void> {
    const outcomes = await this.#together(group.map(({ range }) => range)).catch(
      (error: unknown) => {
        const isOld = error instanceof StaleTable || isStale((error as { cause?: unknown }).cause)
        if (isOld) this.#table.info = null
        return [] as GroupOutcome[]
      },
    )
    for (const [i, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[i] ?? null
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
  }

  async #together(ranges: SmallRange[]): Promise<GroupOutcome[]> {
    const [first] = ranges as [SmallRange]
    // A cancel of one cuts the connection for all; the others then go on alone.
    const signal = AbortSignal.any(ranges.map(({ context }) => context.signal))
    const { target, range, onSchemaChange } = first.context
    const seen = joinFields(ranges.map((one) => one.seen))
    const wish = { names: first.names, target, key: first.key, seen, range, signal, onSchemaChange }
    const table = await fitTable(this.#sessions, this.#table, wish)
    if (table.plan.unfit.length > 0) return []
    const shared = commitInput({ ...first, seen }, table)
    const inputs = ranges.map((one): CommitInput => ({ ...shared, ...one, seen, rejects: [] }))
    return this.#sessions.run(signal, (client) => commitGroup(client, inputs))
  }
}
