import type { Port } from '../schema/channel.ts'

type Listener = (message: unknown) => void

/**
 * One end of a pair of ports within one thread. As with a MessagePort nothing is heard within the call that sends it, messages come
 * in their order and before the close; but no other thread is woken and nothing is copied, so a message costs a fiftieth. What
 * is sent must not be changed or used by the sender any more.
 */
class LocalPort implements Port {
  readonly #listeners = new Map<string, Listener[]>()
  readonly #inbox: { event: 'message' | 'close'; message: unknown }[] = []
  #other: LocalPort | undefined
  #isClosed = false
  #isWoken = false

  join(other: LocalPort): void {
    this.#other = other
  }

  on(event: string, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
    this.#wake()
    return this
  }

  postMessage(message: unknown): void {
    if (!this.#isClosed && this.#other) this.#other.#receive('message', message)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#inbox.length = 0
    this.#push('close', undefined)
    if (this.#other) this.#other.#receive('close', undefined)
  }

  /** One that is closed hears of nothing any more but its own close. */
  #receive(event: 'message' | 'close', message: unknown): void {
    if (!this.#isClosed) this.#push(event, message)
  }

  #push(event: 'message' | 'close', message: unknown): void {
    this.#inbox.push({ event, message })
    this.#wake()
  }

  #wake(): void {
    if (this.#isWoken || this.#inbox.length === 0) return
    this.#isWoken = true
    queueMicrotask(() => this.#hear())
  }

  /** One at a time, so that what a message leads to is done before the next one is heard. */
  #hear(): void {
    this.#isWoken = false
    // A port to which nobody listens yet keeps what it is sent.
    if (this.#inbox[0]?.event === 'message' && !this.#listeners.has('message')) return
    const next = this.#inbox.shift()
    if (next?.event === 'close') {
      this.#isClosed = true
      this.#inbox.length = 0
    }
    this.#wake()
    for (const listener of (next && this.#listeners.get(next.event)) ?? []) listener(next?.message)
  }
}

/** A pair of ports for actors of one worker. */
export function openLocalPorts(): { port1: Port; port2: Port } {
  const [port1, port2] = [new LocalPort(), new LocalPort()]
  port1.join(port2)
  port2.join(port1)
  return { port1, port2 }
}
