import type { MessagePort } from 'node:worker_threads'
import type { VirtualLoop } from './loop.ts'

type Listener = (message: unknown) => void

/** One end of a pair of ports on the virtual loop: what was sent before a close is heard before it. */
class SimPort {
  readonly #loop: VirtualLoop
  readonly #listeners = new Map<string, Listener[]>()
  readonly #early: unknown[] = []
  other: SimPort | undefined
  #isClosed = false
  isDead: () => boolean = () => false

  constructor(loop: VirtualLoop) {
    this.#loop = loop
  }

  on(event: string, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
    if (event === 'message')
      for (const message of this.#early.splice(0)) this.#loop.post(() => this.#hear(message), this)
    return this
  }

  postMessage(message: unknown): void {
    const { other } = this
    if (this.#isClosed || this.isDead() || !other) return
    const copy = carriesPort(message) ? message : structuredClone(message)
    this.#loop.post(() => other.#hear(copy), other)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { other } = this
    if (other) this.#loop.post(() => other.#hearClose(), other)
    this.#loop.post(() => this.#tell('close', undefined), this)
  }

  unref(): void {}

  #hear(message: unknown): void {
    if (this.#isClosed || this.isDead()) return
    if (!this.#listeners.has('message')) this.#early.push(message)
    else this.#tell('message', message)
  }

  #hearClose(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#tell('close', undefined)
  }

  #tell(event: string, message: unknown): void {
    if (this.isDead()) return
    for (const listener of this.#listeners.get(event) ?? []) listener(message)
  }
}

const carriesPort = (message: unknown): boolean =>
  (message as { port?: unknown } | null)?.port instanceof SimPort

/** A pair; `isDead` says of the first one's side that its thread is gone. */
export function openSimPorts(
  loop: VirtualLoop,
  isDead: () => boolean = () => false,
): { port1: MessagePort; port2: MessagePort } {
  const [one, two] = [new SimPort(loop), new SimPort(loop)]
  one.other = two
  two.other = one
  one.isDead = isDead
  return { port1: one as unknown as MessagePort, port2: two as unknown as MessagePort }
}

/** The end that went to a thread dies with it. */
export function bindToThread(port: MessagePort, isDead: () => boolean): void {
  const end = port as unknown as SimPort
  end.isDead = isDead
}
