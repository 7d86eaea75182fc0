import type { Dispatcher } from 'undici'
import { bodyTooLarge } from './content-encoding.ts'

type Controller = Dispatcher.DispatchController
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]

/** An answer as it came over the wire. */
export interface RawAnswer {
  status: number
  headers: Headers
  /** still encoded; owns its memory */
  body: Uint8Array
}

/** A server that promises more gets its memory part by part. */
const mostPromised = 16 * 1024 * 1024

/**
 * Collects one answer under a cap, straight from the parser: a stream in between would cost as much again as the parsing.
 * The body's parts are copied as they come into memory of the length that was announced, so that what the socket read
 * into is free at once. Settles exactly once; an abort settles it wherever the request stands.
 */
export class AnswerCollector implements Dispatcher.DispatchHandler {
  readonly #maxBytes: number
  readonly #signal: AbortSignal
  readonly #settled = Promise.withResolvers<RawAnswer>()
  readonly #onAbort = (): void => this.#fail(this.#signal.reason)
  #controller: Controller | null = null
  #status = 0
  #headers: Headers = {}
  #room: Uint8Array = new Uint8Array(0)
  #parts: Uint8Array[] = []
  #size = 0
  #isOver = false

  constructor(maxBytes: number, signal: AbortSignal) {
    this.#maxBytes = maxBytes
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort, { once: true })
    if (signal.aborted) this.#onAbort()
  }

  get answer(): Promise<RawAnswer> {
    return this.#settled.promise
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    // Given up while it waited for a connection: nothing is sent.
    if (this.#isOver) controller.abort(asError(this.#signal.reason))
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    // Another one follows.
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    const announced = Number(headers['content-length'])
    if (announced > this.#maxBytes) this.#fail(bodyTooLarge(this.#maxBytes))
    else if (announced > 0 && announced <= mostPromised) {
      this.#room = Buffer.allocUnsafeSlow(announced)
    }
  }

  onResponseData(_controller: Controller, part: Uint8Array): void {
    if (this.#isOver) return
    const before = this.#size
    this.#size += part.length
    if (this.#size > this.#maxBytes) this.#fail(bodyTooLarge(this.#maxBytes))
    else if (this.#size <= this.#room.length) this.#room.set(part, before)
    else this.#parts.push(part)
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    this.#end()
    this.#settled.resolve({ status: this.#status, headers: this.#headers, body: this.#body() })
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.#isOver) return
    this.#end()
    this.#settled.reject(error)
  }

  #body(): Uint8Array {
    if (this.#parts.length > 0) return Buffer.concat(this.#parts, this.#size)
    return this.#size === this.#room.length ? this.#room : this.#room.slice(0, this.#size)
  }

  #fail(reason: unknown): void {
    if (this.#isOver) return
    this.#end()
    this.#settled.reject(reason)
    this.#controller?.abort(asError(reason))
  }

  #end(): void {
    this.#isOver = true
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}

/** Anything may be an abort's reason. */
const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error('the request was given up', { cause: reason })
