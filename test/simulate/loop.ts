import type { Random } from '../kill/random.ts'

interface Timer {
  at: number
  call: () => void
}

/** A timer goes off before what is ready: messages and turns may take as long as they like. */
const slowMessages = 0.02
const slowestMessageMs = 1_000

/**
 * An event loop in virtual time. What is ready is done in an order that chance decides; only what stands in one line keeps its
 * order. When nothing is ready the clock jumps to the next timer.
 */
export class VirtualLoop {
  /** ms since the beginning; it never jumps */
  elapsed = 0
  /** somebody has set the clock */
  isSet = false
  /** what people set the clock to */
  #offset: number
  readonly #random: Random
  readonly #lines: (() => void)[][] = []
  readonly #byLine = new Map<object, (() => void)[]>()
  readonly #timers: Timer[] = []
  steps = 0

  constructor(random: Random, now: number) {
    this.#random = random
    this.#offset = now
  }

  /** epoch ms */
  get now(): number {
    return this.elapsed + this.#offset
  }

  /** Somebody sets the clock. */
  jump(ms: number): void {
    this.isSet = true
    this.#offset += ms
  }

  /** Time goes by in which nothing happens. */
  passUntil(now: number): void {
    this.elapsed = Math.max(this.elapsed, now - this.#offset)
  }

  /** Behind all that stands in the same line; alone without one. */
  post(call: () => void, line: object = {}): void {
    const known = this.#byLine.get(line)
    if (known) {
      known.push(call)
      return
    }
    const made = [call]
    this.#byLine.set(line, made)
    this.#lines.push(made)
    // Found again when it is done with.
    Object.defineProperty(made, 'line', { value: line })
  }

  /** As the system's timers: a clock that is set meanwhile changes nothing. */
  in(ms: number, call: () => void): () => void {
    const timer = { at: this.elapsed + Math.max(0, ms), call }
    this.#timers.push(timer)
    return () => {
      const found = this.#timers.indexOf(timer)
      if (found >= 0) this.#timers.splice(found, 1)
    }
  }

  turn(): Promise<void> {
    return new Promise((resolve) => this.post(resolve))
  }

  /** As the clock of a connector. */
  readonly clock = {
    now: (): number => this.now,
    sleep: (ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const stop = (): void => {
          forget()
          reject(signal.reason)
        }
        const forget = this.in(ms, () => {
          signal.removeEventListener('abort', stop)
          resolve()
        })
        signal.addEventListener('abort', stop, { once: true })
      }),
  }

  /** Does one thing and all that follows from it at once; false when there is nothing to do. */
  async step(): Promise<boolean> {
    const timer = this.#nextTimer()
    const isNear = timer !== undefined && timer.at - this.elapsed < slowestMessageMs
    const isTimerFirst = isNear && this.#random.chance(slowMessages)
    if (this.#lines.length > 0 && !isTimerFirst) this.#takeReady()()
    else if (timer) {
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      this.elapsed = Math.max(this.elapsed, timer.at)
      timer.call()
    } else return false
    this.steps += 1
    // All promises that this settled have run when the real loop comes to its next turn.
    await new Promise<void>((resolve) => setImmediate(resolve))
    return true
  }

  #takeReady(): () => void {
    const at = this.#random.between(0, this.#lines.length - 1)
    const line = this.#lines[at] as (() => void)[] & { line: object }
    const call = line.shift() as () => void
    if (line.length === 0) {
      this.#lines.splice(at, 1)
      this.#byLine.delete(line.line)
    }
    return call
  }

  #nextTimer(): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) if (!next || timer.at < next.at) next = timer
    return next
  }
}
