import { type Channel, openChannel, type Port } from '../schema/channel.ts'
import { DerrickError, failure } from '../schema/error.ts'
import {
  type PageCommand,
  type PageEvent,
  pageCredits,
  type RangeJob,
  type Receipt,
} from '../schema/protocol.ts'
import type { EncodedPage, ReadReport } from './destinations/writer.ts'

export interface DestinationListener {
  onCommitSlotWanted: () => void
  onRejects: (event: Extract<PageEvent, { kind: 'records-rejected' }>) => void
  onSchemaChange: (event: Extract<PageEvent, { kind: 'schema-changed' }>) => void
}

export type Begun = { fence: number; holds: number | null } | { recovered: Receipt }

/**
 * The sync actor's end of the port to the destination actor: commands become promises, page credits bound what is
 * under way. The first failure ends everything; later calls reject with it.
 */
export class DestinationClient {
  readonly #channel: Channel<PageCommand>
  readonly #begun = Promise.withResolvers<Begun>()
  readonly #ended = Promise.withResolvers<Receipt | null>()
  #credits = pageCredits
  #waiting: { resolve: () => void; reject: (error: unknown) => void } | null = null
  #broken: DerrickError | null = null
  #pageNo = 0
  #isClosed = false

  constructor(port: Port, listener: DestinationListener) {
    this.#begun.promise.catch(() => {})
    this.#ended.promise.catch(() => {})
    this.#channel = openChannel<PageCommand, PageEvent>(
      port,
      {
        'range-begun': ({ fence, holds }) => this.#begun.resolve({ fence, holds }),
        'range-recovered': ({ receipt }) => this.#begun.resolve({ recovered: receipt }),
        'page-written': () => this.#credit(),
        'commit-slot-wanted': listener.onCommitSlotWanted,
        'records-rejected': listener.onRejects,
        'schema-changed': listener.onSchemaChange,
        'range-committed': ({ receipt }) => this.#ended.resolve(receipt),
        'range-aborted': () => {
          this.#ended.resolve(null)
          this.#begun.reject(new DerrickError(aborted))
        },
        'range-write-failed': (event) => this.#fail(new DerrickError(event.failure)),
      },
      () => this.#onClose(),
    )
  }

  begin(job: RangeJob): Promise<Begun> {
    const { target, range, offeredFence, spoolDir, limits } = job
    this.#channel.send({ kind: 'begin-range', target, range, offeredFence, spoolDir, limits })
    return this.#begun.promise
  }

  /** Hands a page over; resolves when the next one may follow. Its bytes are no longer usable here. */
  async write(page: EncodedPage, signal: AbortSignal): Promise<void> {
    if (this.#broken) throw this.#broken
    const { bytes, recordCount, checksum, meta } = page
    this.#pageNo += 1
    this.#credits -= 1
    this.#channel.send(
      { kind: 'write-page', pageNo: this.#pageNo, recordCount, checksum, meta, bytes },
      [bytes.buffer],
    )
    if (this.#credits <= 0) await this.#awaitCredit(signal)
  }

  /** Resolves when the attempt is durable and visible, and not before. */
  async commit(report: ReadReport): Promise<Receipt> {
    this.#channel.send({ kind: 'commit-range', ...report })
    const receipt = await this.#ended.promise
    if (receipt === null) throw new DerrickError(aborted)
    return receipt
  }

  grantCommitSlot(): void {
    this.#channel.send({ kind: 'grant-commit-slot' })
  }

  /** Leaves nothing of the attempt; the receipt when its commit was past the point of no return. */
  abort(): Promise<Receipt | null> {
    if (this.#broken) return Promise.resolve(null)
    this.#channel.send({ kind: 'abort-range' })
    return this.#ended.promise
  }

  close(): void {
    this.#isClosed = true
    this.#channel.close()
  }

  #credit(): void {
    this.#credits += 1
    this.#waiting?.resolve()
    this.#waiting = null
  }

  /** Our own close is the usual end; an error with its stack would cost more than the message. */
  #onClose(): void {
    if (!this.#isClosed) this.#fail(new DerrickError(portClosed))
  }

  #fail(error: DerrickError): void {
    this.#broken ??= error
    this.#begun.reject(this.#broken)
    this.#ended.reject(this.#broken)
    this.#waiting?.reject(this.#broken)
    this.#waiting = null
  }

  #awaitCredit(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting = null
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      const done = (): void => signal.removeEventListener('abort', onAbort)
      this.#waiting = {
        resolve: () => {
          done()
          resolve()
        },
        reject: (error) => {
          done()
          reject(error)
        },
      }
    })
  }
}

const aborted = failure('unknown', 'range.aborted', 'the attempt was aborted')
const portClosed = failure('unknown', 'destination.port_closed', 'the destination actor went away')
