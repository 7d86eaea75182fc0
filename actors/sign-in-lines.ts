import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { type Channel, openChannel } from '../schema/channel.ts'
import { DerrickError, derrickError } from '../schema/error.ts'
import type { IssuedToken, RangeJob, SignInAnswer, SignInRequest } from '../schema/protocol.ts'
import type { Renewal, SignInKeeper } from './connectors/manifest/keeper.ts'

/** Sources that this worker keeps a line for; of more, the ones that were not used for longest are given up. */
const mostLines = 256
const lines = new Map<string, SignInLine>()

/**
 * This worker's line to the keeper of a source's sign-in, opened by the first range that needs it.
 * @param open sends the other end to the supervisor
 */
export function keeperOf(
  { sourceId }: Pick<RangeJob, 'sourceId'>,
  open: (port: MessagePort) => void,
): SignInKeeper {
  const line = lines.get(sourceId) ?? openLine(open, () => lines.delete(sourceId))
  // Most recently used last: the first is the one to give up.
  lines.delete(sourceId)
  lines.set(sourceId, line)
  for (const [id, old] of lines) {
    if (lines.size <= mostLines) break
    if (old.isIdle) {
      lines.delete(id)
      old.close()
    }
  }
  return line
}

function openLine(open: (port: MessagePort) => void, onLost: () => void): SignInLine {
  const { port1, port2 } = new MessageChannel()
  const line = new SignInLine(port1, onLost)
  open(port2)
  return line
}

/** A keeper at the other end of a port that was given to a short task; the task closes it. */
export function keeperOn(port: MessagePort): SignInKeeper & { close(): void } {
  return new SignInLine(port, () => {})
}

interface Waiter {
  stale: string | null
  renew: (secrets: Record<string, unknown>) => Promise<Renewal>
  resolve: (token: IssuedToken) => void
  reject: (reason: unknown) => void
}

/** Questions go over the line one after the other: an answer is always that to the one asked last. */
class SignInLine implements SignInKeeper {
  readonly #channel: Channel<SignInRequest>
  readonly #waiting: Waiter[] = []
  #isLost = false

  constructor(port: MessagePort, onLost: () => void) {
    this.#channel = openChannel<SignInRequest, SignInAnswer>(
      port,
      {
        'sign-in-known': ({ token }) => this.#answer((waiter) => waiter.resolve(token)),
        'sign-in-refused': ({ failure }) =>
          this.#answer((waiter) => waiter.reject(new DerrickError(failure))),
        'sign-in-leased': ({ secrets }) => void this.#renew(secrets),
      },
      () => {
        this.#isLost = true
        onLost()
        for (const waiter of this.#waiting.splice(0)) waiter.reject(lost)
      },
    )
    port.unref()
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0
  }

  close(): void {
    this.#channel.close()
  }

  token(stale: string | null, renew: Waiter['renew']): Promise<IssuedToken> {
    return new Promise((resolve, reject) => {
      if (this.#isLost) return reject(lost)
      this.#waiting.push({ stale, renew, resolve, reject })
      if (this.#waiting.length === 1) this.#ask()
    })
  }

  #ask(): void {
    const [waiter] = this.#waiting
    if (waiter) this.#channel.send({ kind: 'sign-in-wanted', stale: waiter.stale })
  }

  #answer(tell: (waiter: Waiter) => void): void {
    const waiter = this.#waiting.shift()
    if (waiter) tell(waiter)
    this.#ask()
  }

  /** The keeper answers `sign-in-known` once the new secret is stored; only then is the token used. */
  async #renew(secrets: Record<string, unknown>): Promise<void> {
    const [waiter] = this.#waiting
    if (!waiter) return this.#channel.send({ kind: 'sign-in-failed' })
    try {
      this.#channel.send({ kind: 'sign-in-renewed', ...(await waiter.renew(secrets)) })
    } catch (error) {
      this.#channel.send({ kind: 'sign-in-failed' })
      this.#answer(({ reject }) => reject(error))
    }
  }
}

const lost = derrickError(
  'unknown',
  'sign_in.lost',
  'the line to the keeper of the sign-in was cut',
  {
    remedy: 'nothing to do: the range is tried again',
  },
)
