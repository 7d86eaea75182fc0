import type { HoldCell } from '../schema/protocol.ts'
import type { Gate, Spent } from './connectors/manifest/limits.ts'

/** What the gate tells the supervisor. */
export interface GateListener {
  /** No request of the range is under way, and none starts before it is released; `nth` is the hold that this answers. */
  onHeld: (nth: number) => void
  /** Its first request leaves. */
  onAsked: () => void
}

/**
 * The way of one range's requests to its source. The supervisor holds it between two requests when fresher data are due: a word
 * of shared memory stops the next request at once, whatever messages are still under way.
 */
export class RangeGate implements Gate {
  readonly #cell: Int32Array | null
  readonly #at: number
  readonly #listener: GateListener
  readonly #waiting = new Set<() => void>()
  readonly #givingUp = new Set<() => void>()
  #underWay = 0
  /** the hold that waits for its answer */
  #wanted: number | null = null
  #hasAsked = false

  constructor(cell: HoldCell | undefined, listener: GateListener) {
    this.#cell = cell ? new Int32Array(cell.board) : null
    this.#at = cell?.at ?? 0
    this.#listener = listener
  }

  get isHeld(): boolean {
    return this.#cell !== null && Atomics.load(this.#cell, this.#at) !== 0
  }

  hold(nth: number): void {
    // Released again meanwhile.
    if (!this.isHeld) return
    this.#wanted = nth
    for (const giveUp of [...this.#givingUp]) giveUp()
    this.#answer()
  }

  release(): void {
    if (this.isHeld) return
    this.#wanted = null
    for (const go of [...this.#waiting]) go()
  }

  async pass(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (this.isHeld) await this.#released(signal)
  }

  onHold(call: () => void): () => void {
    this.#givingUp.add(call)
    return () => void this.#givingUp.delete(call)
  }

  begin(leave: (spent?: Spent) => void): (spent?: Spent) => void {
    this.#underWay += 1
    if (!this.#hasAsked) this.#listener.onAsked()
    this.#hasAsked = true
    let isOver = false
    return (spent) => {
      leave(spent)
      if (isOver) return
      isOver = true
      this.#underWay -= 1
      this.#answer()
    }
  }

  #answer(): void {
    if (this.#wanted === null || this.#underWay > 0 || !this.isHeld) return
    this.#listener.onHeld(this.#wanted)
    this.#wanted = null
  }

  #released(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        signal.removeEventListener('abort', stop)
        this.#waiting.delete(go)
      }
      const go = (): void => {
        end()
        resolve()
      }
      const stop = (): void => {
        end()
        reject(signal.reason)
      }
      signal.addEventListener('abort', stop, { once: true })
      this.#waiting.add(go)
    })
  }
}
