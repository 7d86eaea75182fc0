import { type Channel, openChannel, type Port } from '../../schema/channel.ts'
import { toFailure } from '../../schema/error.ts'
import type { IssuedToken, SignInAnswer, SignInRequest } from '../../schema/protocol.ts'

export interface SignInDeps {
  now: () => number
  wakeAt: (at: number, call: () => void) => () => void
  /** a source's config with its secrets. @throws DerrickError when they cannot be read */
  secretsOf: (sourceId: string) => Record<string, unknown>
  /** Replaces secrets of a source; they are durable when it returns. @throws DerrickError when they are none of its own */
  store: (sourceId: string, secrets: Record<string, string>) => void
}

/** One worker's line. */
interface Client {
  channel: Channel<SignInAnswer>
  /** what it waits with; undefined when it waits for nothing */
  wanted: { stale: string | null } | undefined
  /** renewals that the source had seen when the lease began */
  leasedAfter: number
}

interface Entry {
  sourceId: string
  token: IssuedToken | null
  /** renewals that were stored */
  renewals: number
  /** who renews at this moment */
  holder: Client | null
  forgetAlarm: (() => void) | undefined
  /** in the order of their asking */
  clients: Set<Client>
}

/** A renewal that takes longer has died with its worker or hangs at the API: the next one may try. */
const leaseMs = 120_000
/** Nobody is given a token that ends so soon. */
const shortestLifeMs = 60_000
/** Sources that are remembered without a worker that reads them. */
const mostEntries = 1_000

/**
 * The sign-ins of sources whose secret changes with each renewal. Tokens live in memory, secrets in the ledger: a new secret is
 * stored before the token that came with it is given to anybody.
 */
export class SignIns {
  readonly #deps: SignInDeps
  readonly #entries = new Map<string, Entry>()

  constructor(deps: SignInDeps) {
    this.#deps = deps
  }

  /** A line for a task: the end that the task gets. */
  open<P extends Port>(sourceId: string, openPorts: () => { port1: P; port2: P }): P {
    const { port1, port2 } = openPorts()
    this.attach(sourceId, port1)
    return port2
  }

  /** A worker opened its line. */
  attach(sourceId: string, port: Port): void {
    const entry = this.#entry(sourceId)
    const client: Client = {
      channel: openChannel<SignInAnswer, SignInRequest>(
        port,
        {
          'sign-in-wanted': ({ stale }) => {
            client.wanted = { stale }
            this.#serve(entry)
          },
          'sign-in-renewed': ({ token, secrets }) => this.#renewed(entry, client, token, secrets),
          'sign-in-failed': () => {
            client.wanted = undefined
            this.#release(entry, client)
          },
        },
        () => {
          entry.clients.delete(client)
          this.#release(entry, client)
        },
      ),
      wanted: undefined,
      leasedAfter: 0,
    }
    entry.clients.add(client)
  }

  /** Somebody changed the source: a token of the old secrets says nothing of the new ones. */
  forget(sourceId: string): void {
    const entry = this.#entries.get(sourceId)
    if (entry) entry.token = null
  }

  #entry(sourceId: string): Entry {
    const known = this.#entries.get(sourceId)
    if (known) return known
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size < mostEntries) break
      if (entry.clients.size === 0) this.#entries.delete(id)
    }
    const entry: Entry = {
      sourceId,
      token: null,
      renewals: 0,
      holder: null,
      forgetAlarm: undefined,
      clients: new Set(),
    }
    this.#entries.set(sourceId, entry)
    return entry
  }

  /** Gives the token to all whom it helps, and the lease to the first whom it does not. */
  #serve(entry: Entry): void {
    for (const client of [...entry.clients]) {
      if (!client.wanted || client === entry.holder) continue
      const { token } = entry
      if (token && this.#isGood(token) && token.value !== client.wanted.stale)
        this.#answer(client, { kind: 'sign-in-known', token })
      else if (!entry.holder) this.#lease(entry, client)
    }
  }

  #isGood({ expiresAt }: IssuedToken): boolean {
    return expiresAt === null || expiresAt - this.#deps.now() > shortestLifeMs
  }

  #lease(entry: Entry, client: Client): void {
    try {
      const secrets = this.#deps.secretsOf(entry.sourceId)
      entry.holder = client
      client.leasedAfter = entry.renewals
      entry.forgetAlarm = this.#deps.wakeAt(this.#deps.now() + leaseMs, () => {
        // It is still at it, and must not be given the same lease once more.
        client.wanted = undefined
        this.#release(entry, client)
      })
      client.channel.send({ kind: 'sign-in-leased', secrets })
    } catch (error) {
      this.#answer(client, { kind: 'sign-in-refused', failure: toFailure(error) })
    }
  }

  /** Stored even when the lease is over, unless another worker has renewed meanwhile: the API knows the newest secret only. */
  #renewed(
    entry: Entry,
    client: Client,
    token: IssuedToken,
    secrets: Record<string, string>,
  ): void {
    try {
      if (entry.renewals === client.leasedAfter) {
        this.#deps.store(entry.sourceId, secrets)
        entry.renewals += 1
        entry.token = token
      }
      this.#answer(client, { kind: 'sign-in-known', token: entry.token ?? token })
    } catch (error) {
      this.#answer(client, { kind: 'sign-in-refused', failure: toFailure(error) })
    }
    this.#release(entry, client)
  }

  #answer(client: Client, answer: SignInAnswer): void {
    client.wanted = undefined
    client.channel.send(answer)
  }

  #release(entry: Entry, client: Client): void {
    if (entry.holder === client) {
      entry.holder = null
      entry.forgetAlarm?.()
      entry.forgetAlarm = undefined
    }
    this.#serve(entry)
  }
}
