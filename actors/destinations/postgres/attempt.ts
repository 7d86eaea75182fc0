import { derrickError } from '../../../schema/error.ts'
import type { Receipt } from '../../../schema/protocol.ts'
import { sabotage } from '../../../schema/sabotage.ts'
import { shrunkFailure } from '../shrink.ts'
import type { RangeContext, RangeWriter, ReadReport, SpooledPage } from '../writer.ts'
import { chunkBytes, commitChunked } from './chunked.ts'
import type { Claims } from './claims.ts'
import { type CommitInput, commitInput, StaleTable } from './commit.ts'
import { deleteKind, ShrunkRead } from './deletes.ts'
import { isStale, postgresError, sqlState } from './errors.ts'
import { isKeyed } from './identity.ts'
import {
  type Claim,
  type Committed,
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
import { commitSmall, isSmall, isSmallSpool } from './small.ts'
import type { SmallCommits, SmallRange } from './small-commits.ts'
import { commitStaged, type Tactics } from './staged.ts'
import { fitTable, type StreamTable } from './stream-table.ts'
import { prepareLedger } from './table.ts'
import { addColumns, noFields, rangeColumn, type SeenFields } from './types.ts'

/** What the attempts of one stream in this worker share. */
export interface Stream {
  table: StreamTable
  claims: Claims
  small: SmallCommits
}

/** A commit changes its plan this often: the table was altered, keys were there after all, two rows had one key. */
const mostPlans = 6

/** One attempt at one range. The ledger decides everything; this object only remembers what it saw. */
export class PostgresAttempt implements RangeWriter {
  readonly #sessions: Sessions
  readonly #stream: Stream
  readonly #context: RangeContext
  readonly #place: { names: TableNames; key: LedgerKey }
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
    stream: Stream,
    context: RangeContext,
    bytesAtOnce: number = chunkBytes,
  ) {
    this.#chunkBytes = bytesAtOnce
    this.#sessions = sessions
    this.#stream = stream
    this.#context = context
    const { target, range } = context
    this.#place = { names: tableNames(target), key: ledgerKey(target, range) }
    this.#keyed = isKeyed(context.target)
  }

  async begin(): Promise<{ fence: number; holds?: number | null; recovered?: Receipt }> {
    const { fence, committed } = await this.#claim()
    if (sabotage === 'cleanup_first' && committed) await this.#cleanUpFirst()
    this.#fence = fence
    this.#committed = committed
    const known = this.#context.range.committedFence ?? 0
    return committed && committed.receipt.fence > known
      ? { fence, recovered: committed.receipt }
      : { fence, holds: committed?.receipt.fence ?? null }
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
    const { names, key } = this.#place
    const start = literal(key.start)
    const sql = `delete from ${names.full} where coalesce(${quoted(rangeColumn)}, '-infinity') = ${start}`
    await this.#sessions.run(this.#context.signal, (client) => client.query(sql))
  }

  async #claim(): Promise<Claim> {
    const { signal, offeredFence } = this.#context
    const ask = (): Promise<Claim> =>
      this.#stream.claims.claim(this.#place.key, offeredFence, signal)
    try {
      return await ask()
    } catch (error) {
      // No schema or no ledger yet.
      const state = sqlState((error as { cause?: unknown }).cause)
      if (state !== '42P01' && state !== '3F000') throw connectionLost(error)
    }
    await prepareLedger(this.#sessions, this.#place.names, signal).catch(rethrow)
    return ask().catch(rethrow)
  }

  async #commit(report: ReadReport): Promise<Receipt> {
    if (report.isPart && !this.#keyed) throw notMergeable()
    if (!report.isPart && this.#isForGroup()) {
      const receipt = await this.#stream.small.commit(this.#range(report))
      if (receipt) return receipt
    }
    await this.#context.commitSlot()
    return this.#commitAlone(report)
  }

  /** Small, and nothing is deleted by it: ranges that delete rows by their absence look at each other's. */
  #isForGroup(): boolean {
    const { target, range, spool } = this.#context
    const isFree = this.#committed === null || deleteKind(target, range) === null
    return isFree && range.kind === 'window' && isSmallSpool(spool)
  }

  async #commitAlone(report: ReadReport): Promise<Receipt> {
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
    const { target, range, signal, onSchemaChange } = this.#context
    const wish = { target, range, signal, onSchemaChange, ...this.#place, seen: this.#seen }
    const table = await fitTable(this.#sessions, this.#stream.table, wish).catch(rethrow)
    return commitInput(this.#range(report), table)
  }

  #range(report: ReadReport): SmallRange {
    const fence = this.#fence as number
    return { ...this.#place, fence, context: this.#context, report, seen: this.#seen }
  }

  async #try(input: CommitInput): Promise<Receipt> {
    const { signal, spool, range, target } = this.#context
    const looksAtRange = deleteKind(target, range) !== null || input.report.isPart
    if (this.#committed && range.kind === 'window' && looksAtRange) {
      await ensureRangeIndex(this.#sessions, this.#place.names, input.table.info, signal)
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
        lockFence(client, this.#place.names, this.#place.key, this.#fence as number),
      )
      .catch(() => null)
    if (held?.committed && held.committed.receipt.fence === this.#fence) {
      return held.committed.receipt
    }
    throw connectionLost(lost)
  }

  async #shrunk(error: ShrunkRead): Promise<unknown> {
    await this.#sessions.transaction(null, (client) =>
      noteShrunk(client, this.#place.names, this.#place.key, this.#fence as number, error.now),
    )
    return shrunkFailure(this.#context.range, error.before, error.now)
  }

  /** Whether another plan may do what this one could not. */
  #learn(error: unknown): boolean {
    const cause = (error as { cause?: unknown }).cause
    const state = sqlState(cause)
    if (error instanceof StaleTable || isStale(cause)) {
      this.#stream.table.info = null
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

const notMergeable = (): Error =>
  derrickError(
    'destination',
    'destination.part',
    'rows without a key are replaced with their range',
    {
      remedy: 'read the whole range',
    },
  )

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
