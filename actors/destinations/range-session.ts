import { type Channel, openChannel, type Port } from '../../schema/channel.ts'
import { derrickError, toFailure } from '../../schema/error.ts'
import {
  type PageCommand,
  type PageEvent,
  pageCredits,
  type Receipt,
} from '../../schema/protocol.ts'
import { repeatTransient } from './commit-retry.ts'
import type { DestinationLease, DestinationRegistry } from './registry.ts'
import { checksumText } from './row-hash.ts'
import { Spool } from './spool.ts'
import type { RangeContext, RangeWriter, ReadReport } from './writer.ts'

type Begin = Extract<PageCommand, { kind: 'begin-range' }>
type Page = Extract<PageCommand, { kind: 'write-page' }>

/** What one attempt holds at the destination. */
interface Attempt {
  lease: DestinationLease
  writer: RangeWriter
  spool: Spool
}

/**
 * The destination's end of one range: commands are done one after the other, an abort interrupts the one under way.
 * Exactly one of range-recovered, range-committed, range-aborted and range-write-failed ends it; then the port closes.
 */
export class RangeSession {
  readonly #registry: DestinationRegistry
  readonly #channel: Channel<PageEvent>
  readonly #abort = new AbortController()
  readonly #slot = Promise.withResolvers<void>()
  #attempt: Attempt | null = null
  #turn: Promise<void> = Promise.resolve()
  #begun = false
  #ended = false
  #slotWanted = false
  #pagesUnderWay = 0
  readonly #closed = Promise.withResolvers<void>()

  constructor(registry: DestinationRegistry, port: Port) {
    this.#registry = registry
    this.#channel = openChannel<PageEvent, PageCommand>(
      port,
      {
        'begin-range': (command) => this.#do(() => this.#begin(command)),
        'write-page': (command) => this.#receive(command),
        'commit-range': ({ kind: _, ...report }) => this.#do(() => this.#commit(report)),
        'grant-commit-slot': () => this.#slot.resolve(),
        'abort-range': () => this.#onAbort(),
      },
      // The other side went away without an end: nobody will ask for this attempt again.
      () => this.#onAbort(),
    )
  }

  /** Resolves when the range has ended and nothing of it is held any more. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** Queues a command; its failure ends the range, and those behind it are dropped. */
  #do(act: () => Promise<void>): void {
    this.#turn = this.#turn.then(async () => {
      if (this.#ended || this.#abort.signal.aborted) return
      try {
        await act()
      } catch (error) {
        // What an abort interrupted ends as aborted, in the turn that the abort queued.
        if (!this.#abort.signal.aborted) await this.#fail(error)
      }
    })
  }

  #receive(command: Page): void {
    this.#pagesUnderWay += 1
    if (this.#pagesUnderWay > pageCredits) {
      this.#do(() => Promise.reject(outOfTurn(`more than ${pageCredits} pages under way`)))
      return
    }
    this.#do(() => this.#write(command))
  }

  #onAbort(): void {
    if (this.#ended || this.#abort.signal.aborted) return
    this.#abort.abort(derrickError('unknown', 'range.aborted', 'the attempt was given up'))
    this.#turn = this.#turn.then(async () => {
      if (this.#ended) return
      await this.#letGo(true)
      this.#end({ kind: 'range-aborted' })
    })
  }

  async #begin(command: Begin): Promise<void> {
    if (this.#begun) throw outOfTurn('begin-range twice')
    this.#begun = true
    const { target, range, offeredFence, spoolDir, limits } = command
    const { signal } = this.#abort
    let fence = offeredFence
    const lease = await this.#registry.use(target)
    const spool = new Spool({
      pool: this.#registry.spools,
      dir: spoolDir,
      name: () => `${range.id}-${fence}`,
      memoryBytes: limits.spoolMemoryBytes,
      signal,
    })
    const context: RangeContext = {
      target,
      range,
      offeredFence,
      spoolDir,
      limits,
      spool,
      signal,
      commitSlot: () => this.#commitSlot(),
      onRejects: (rejects) => this.#channel.send({ kind: 'records-rejected', rejects }),
      onSchemaChange: (table, columns) =>
        this.#channel.send({ kind: 'schema-changed', table, columns }),
    }
    this.#attempt = { lease, spool, writer: lease.writer.openRange(context) }
    signal.throwIfAborted()
    const { writer } = this.#attempt
    const isTransient = writer.isTransient?.bind(writer)
    const begun = await repeatTransient(() => writer.begin(), isTransient, signal)
    fence = begun.fence
    if (!begun.recovered)
      return this.#channel.send({ kind: 'range-begun', fence, holds: begun.holds ?? null })
    await this.#letGo(false)
    this.#end({ kind: 'range-recovered', receipt: begun.recovered })
  }

  async #write({ pageNo, recordCount, checksum, meta, bytes }: Page): Promise<void> {
    await this.#held().writer.writePage({ bytes, recordCount, checksum, meta })
    this.#pagesUnderWay -= 1
    if (!this.#abort.signal.aborted) this.#channel.send({ kind: 'page-written', pageNo })
  }

  async #commit(report: ReadReport): Promise<void> {
    const { writer, spool } = this.#held()
    compare(report, spool)
    const receipt: Receipt = await repeatTransient(
      () => writer.commit(report),
      writer.isTransient?.bind(writer),
      this.#abort.signal,
    )
    await this.#letGo(false)
    this.#end({ kind: 'range-committed', receipt })
  }

  #held(): Attempt {
    if (!this.#attempt) throw outOfTurn('a command before begin-range')
    return this.#attempt
  }

  #commitSlot(): Promise<void> {
    if (!this.#slotWanted) this.#channel.send({ kind: 'commit-slot-wanted' })
    this.#slotWanted = true
    const { signal } = this.#abort
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      void this.#slot.promise.then(() => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }

  async #fail(error: unknown): Promise<void> {
    const failure = toFailure(error)
    await this.#letGo(true)
    this.#end({ kind: 'range-write-failed', failure })
  }

  /** Gives everything back. What fails here is not told: the attempt's end is known, and starts sweep what is left. */
  async #letGo(abort: boolean): Promise<void> {
    const attempt = this.#attempt
    this.#attempt = null
    if (!attempt) return
    if (abort) await attempt.writer.abort().catch(() => {})
    await attempt.spool.drop(!abort).catch(() => {})
    await attempt.lease.release()
  }

  #end(event: PageEvent): void {
    this.#ended = true
    this.#channel.send(event)
    this.#channel.close()
    this.#closed.resolve()
  }
}

/** Nothing is committed unless all that was read has arrived, unchanged. */
function compare(report: ReadReport, spool: Spool): void {
  const { pages, records, checksum } = spool
  if (report.pages === pages && report.records === records && report.checksum === checksum) return
  throw derrickError(
    'unknown',
    'destination.pages_mismatch',
    `${report.pages} pages with ${report.records} rows (${checksumText(report.checksum)}) were read, but ${pages} with ${records} (${checksumText(checksum)}) arrived; nothing was written`,
    { remedy: 'retry; if it returns, report it with the log of this run' },
  )
}

const outOfTurn = (what: string): Error =>
  derrickError('unknown', 'protocol.out_of_turn', `the range's messages are out of turn: ${what}`)
