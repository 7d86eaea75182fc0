import { derrickError } from '../../../schema/error.ts'
import type { Receipt } from '../../../schema/protocol.ts'
import { sabotage } from '../../../schema/sabotage.ts'
import type { RangeContext, RangeWriter, ReadReport, SpooledPage } from '../writer.ts'
import { chunkBytes, commitChunked } from './chunked.ts'
import { type CommitInput, commitInput, StaleTable } from './commit.ts'
import { deleteKind, ShrunkRead, shrunkFailure } from './deletes.ts'
import { isStale, postgresError, sqlState } from './errors.ts'
import { isKeyed } from './identity.ts'
import {
  type Claim,
  type Committed,
  claim,
  type LedgerKey,
  ledgerKey,
  lockFence,
  noteShrunk,
  type TableNames,
  tableNames,
} from './ledger.ts'
import { literal, quoted } from './names.ts'
import { ensureRangeIndex } from './range-index.ts'
import { LostCommit, type Sessions } from './sessions.ts'
import { commitSmall, isSmall } from './small.ts'
import { commitStaged, type Tactics } from './staged.ts'
import { prepareLedger, prepareTable } from './table.ts'
import {
  loadTable,
  type PreparedTable,
  planFor,
  preparedTable,
  type TableInfo,
} from './table-info.ts'
import { addColumns, noFields, rangeColumn, type SeenFields } from './types.ts'

/** What the attempts of one stream in this worker share. */
export interface StreamTable {
  info: TableInfo | null
}

/** A commit changes its plan this often: the table was altered, keys were there after all, two rows had one key. */
const mostPlans = 6

/** One attempt at one range. The ledger decides everything; this object only remembers what it saw. */
export class PostgresAttempt implements RangeWriter {
  readonly #sessions: Sessions
  readonly #table: StreamTable
  readonly #context: RangeContext
  readonly #names: TableNames
  readonly #key: LedgerKey
  readonly #seen: SeenFields = noFields()
  readonly #tactics: Tactics = { noDirect: false, isDistinct: false }
  readonly #keyed: boolean
  #fence: number | null = null
  #committed: Committed | null = null
  #running: Promise<unknown> | null = null
  #columns: unknown = null
  readonly #chunkBytes: number

  constructor(
    sessions: Sessions,
    table: StreamTable,
    context: RangeContext,
    bytesAtOnce: number = chunkBytes,
  ) {
    this.#chunkBytes = bytesAtOnce
    this.#sessions = sessions
    this.#table = table
    this.#context = context
    this.#names = tableNames(context.target)
    this.#key = ledgerKey(context.target, context.range)
    this.#keyed = isKeyed(context.target)
  }

  async begin(): Promise<{ fence: number; recovered?: Receipt }> {
    const { fence, committed } = await this.#claim()
    if (sabotage === 'cleanup_first' && committed) await this.#cleanUpFirst()
    this.#fence = fence
    this.#committed = committed
    const known = this.#context.range.committedFence ?? 0
    return committed && committed.receipt.fence > known
      ? { fence, recovered: committed.receipt }
      : { fence }
  }

  async writePage(page: SpooledPage): Promise<void> {
    const { columns } = page.meta
    if (page.recordCount > 0 && columns !== this.#columns) {
      addColumns(this.#seen, columns, this.#keyed)
      this.#columns = columns
    }
    await this.#context.spool.append(page)
  }

  async commit(report: ReadReport): Promise<Receipt> {
    await this.#context.commitSlot()
    const running = this.#commit(report)
    this.#running = running.catch(() => {})
    return running
  }

  /** Nothing is left at the destination before a commit, and an aborted one is undone by the server. */
  async abort(): Promise<void> {
    await this.#running
  }

  /** The breach of a sabotaged build: what is committed goes before what replaces it is there. */
  async #cleanUpFirst(): Promise<void> {
    const { full } = this.#names
    const start = literal(this.#key.start)
    const sql = `delete from ${full} where coalesce(${quoted(rangeColumn)}, '-infinity') = ${start}`
    await this.#sessions.run(this.#context.signal, (client) => client.query(sql))
  }

  async #claim(): Promise<Claim> {
    const { signal, offeredFence } = this.#context
    const ask = (): Promise<Claim> =>
      this.#sessions.run(signal, (client) => claim(client, this.#names, this.#key, offeredFence))
    try {
      return await ask()
    } catch (error) {
      // No schema or no ledger yet.
      const state = sqlState((error as { cause?: unknown }).cause)
      if (state !== '42P01' && state !== '3F000') throw connectionLost(error)
    }
    await prepareLedger(this.#sessions, this.#names, signal).catch(rethrow)
    return ask().catch(rethrow)
  }

  async #commit(report: ReadReport): Promise<Receipt> {
    for (let tries = 1; ; tries += 1) {
      const input = await this.#prepare(report)
      try {
        const receipt = await this.#try(input)
        if (input.rejects.length > 0) this.#context.onRejects(input.rejects)
        return receipt
      } catch (error) {
        if (error instanceof LostCommit) return await this.#resolve(error)
        if (error instanceof ShrunkRead) throw await this.#shrunk(error)
        if (tries >= mostPlans || !this.#learn(error)) throw error
      }
    }
  }

  async #prepare(report: ReadReport): Promise<CommitInput> {
    const { target, range, signal } = this.#context
    const needs = { seen: this.#seen, isSoft: deleteKind(target, range) === 'soft' }
    this.#table.info ??= await this.#sessions.run(signal, (client) =>
      loadTable(client, this.#names),
    )
    const known = this.#table.info
    const plan = known?.isStamped ? planFor(target, needs, known) : null
    let table: PreparedTable
    if (known && plan && plan.create.length + plan.widen.length === 0) {
      table = preparedTable(known, plan)
    } else {
      const fixed = known?.fixed ?? new Set<string>()
      const stream = { names: this.#names, target, key: this.#key }
      table = await prepareTable(this.#sessions, stream, needs, fixed, signal).catch(rethrow)
      this.#table.info = table.info
      if (table.changed.length > 0) {
        this.#context.onSchemaChange(`${target.namespace}.${target.table}`, table.changed)
      }
    }
    const base = {
      names: this.#names,
      key: this.#key,
      fence: this.#fence as number,
      context: this.#context,
      report,
      seen: this.#seen,
    }
    return commitInput(base, table)
  }

  async #try(input: CommitInput): Promise<Receipt> {
    const { signal, spool, range, target } = this.#context
    if (this.#committed && range.kind === 'window' && deleteKind(target, range)) {
      await ensureRangeIndex(this.#sessions, this.#names, input.table.info, signal)
    }
    if (spool.bytes > this.#chunkBytes) {
      return commitChunked(this.#sessions, input, this.#tactics.isDistinct, this.#chunkBytes)
    }
    if (!isSmall(input)) {
      return this.#sessions.transaction(signal, (client) =>
        commitStaged(client, input, this.#tactics),
      )
    }
    return this.#sessions.run(signal, async (client) => {
      try {
        const receipt = await commitSmall(client, input, this.#committed, this.#tactics.isDistinct)
        if (receipt) return receipt
      } catch (error) {
        // One statement is its own transaction: without an answer it may have been committed.
        throw isSilence(error) ? new LostCommit(error) : error
      }
      throw new LostCommit(null)
    })
  }

  /** Asks the ledger, which waits for a COMMIT that is still under way. */
  async #resolve(lost: LostCommit): Promise<Receipt> {
    // Nobody waits for the answer any more; should it have been committed, the next attempt's claim finds it.
    this.#context.signal.throwIfAborted()
    const held = await this.#sessions
      .transaction(null, (client) =>
        lockFence(client, this.#names, this.#key, this.#fence as number),
      )
      .catch(() => null)
    if (held?.committed && held.committed.receipt.fence === this.#fence) {
      return held.committed.receipt
    }
    throw connectionLost(lost)
  }

  async #shrunk(error: ShrunkRead): Promise<unknown> {
    await this.#sessions.transaction(null, (client) =>
      noteShrunk(client, this.#names, this.#key, this.#fence as number, error.now),
    )
    return shrunkFailure(this.#context.range, error)
  }

  /** Whether another plan may do what this one could not. */
  #learn(error: unknown): boolean {
    const cause = (error as { cause?: unknown }).cause
    const state = sqlState(cause)
    if (error instanceof StaleTable || isStale(cause)) {
      this.#table.info = null
      return true
    }
    if (state === '23505' && !this.#tactics.noDirect) {
      this.#tactics.noDirect = true
      return true
    }
    if (state === '21000' && !this.#tactics.isDistinct) {
      this.#tactics.isDistinct = true
      return true
    }
    return false
  }
}

/** An error that is not the server's word. */
const isSilence = (error: unknown): boolean =>
  sqlState(error) === undefined &&
  !(error instanceof StaleTable) &&
  (error as { failure?: unknown }).failure === undefined &&
  !(error instanceof ShrunkRead)

function connectionLost(error: unknown): unknown {
  if (!(error instanceof LostCommit)) return error
  return derrickError('network', 'postgres.connection', error.message, {
    remedy: 'nothing to do: it is tried again, and what was committed is found',
    cause: postgresError(error.cause),
  })
}

/** A transaction that may have been committed and is done again all the same: shaping a table twice does no harm. */
function rethrow(error: unknown): never {
  throw connectionLost(error)
}
