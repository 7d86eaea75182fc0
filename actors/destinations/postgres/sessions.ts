import type pg from 'pg'
import { connect, cut } from './connection.ts'
import { postgresError, sqlState } from './errors.ts'
import type { Address } from './url.ts'
import { type Patience, Watchdog } from './watchdog.ts'

/** Connections that nobody used for so long are closed. */
const idleMs = 30_000

/** Set in each transaction, never as startup parameters. One whose client is gone ends by itself, or it would hold its range. */
const transactionSettings = [
  'set local tcp_keepalives_idle = 20',
  'set local tcp_keepalives_interval = 10',
  'set local tcp_keepalives_count = 3',
  `set local timezone = 'UTC'`,
].join('; ')

/**
 * Locks are short, so a wait of a minute means trouble. A COPY whose process stands still is no idle transaction: only the
 * time of the statement ends it; merges have no such bound.
 */
const mergeSettings = [
  `set local lock_timeout = '60s'`,
  `set local statement_timeout = '15min'`,
  `set local idle_in_transaction_session_timeout = '60s'`,
].join('; ')

/** COMMIT was sent and no answer came: only the ledger knows. */
export class LostCommit extends Error {
  constructor(cause: unknown) {
    super('the connection was lost while the transaction was being committed', { cause })
    this.name = 'LostCommit'
  }
}

/** The connections of one destination: `most` at once, made when needed; whoever comes later waits in line. */
export class Sessions {
  readonly #address: Address
  readonly #most: number
  readonly #watchdog: Watchdog
  readonly #idle: { client: pg.Client; timer: NodeJS.Timeout }[] = []
  readonly #waiting: (() => void)[] = []
  #used = 0
  #closed = false

  constructor(address: Address, most: number, patience?: Patience) {
    this.#address = address
    this.#watchdog = new Watchdog(address, patience)
    this.#most = most
  }

  /** Runs `work` on a connection of its own; the connection is kept only if nothing went wrong. Aborting cuts it. */
  async run<T>(signal: AbortSignal | null, work: (client: pg.Client) => Promise<T>): Promise<T> {
    await this.#turn(signal)
    let client: pg.Client | null = null
    let unwatch: (() => Error | null) | null = null
    const onAbort = (): void => {
      if (client) cut(client)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      client = this.#takeIdle() ?? (await connect(this.#address))
      signal?.throwIfAborted()
      unwatch = this.#watchdog.watch(client)
      const result = await work(client)
      unwatch()
      this.#keep(client)
      client = null
      return result
    } catch (error) {
      const why = unwatch?.()
      if (why && sqlState(error) === '57014') throw why
      if (signal?.aborted && !(error instanceof LostCommit)) throw signal.reason
      throw error instanceof LostCommit ? error : postgresError(error)
    } finally {
      signal?.removeEventListener('abort', onAbort)
      if (client) cut(client)
      this.#used -= 1
      this.#waiting.shift()?.()
    }
  }

  /**
   * Runs `work` in a transaction. Once COMMIT is on its way the signal has no say any more; a COMMIT without an answer
   * throws `LostCommit`.
   */
  async transaction<T>(
    signal: AbortSignal | null,
    work: (client: pg.Client) => Promise<T>,
    settings: string = mergeSettings,
  ): Promise<T> {
    const cancel = new AbortController()
    const onAbort = (): void => cancel.abort(signal?.reason)
    signal?.throwIfAborted()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await this.run(cancel.signal, async (client) => {
        await client.query(
          `begin isolation level read committed; ${transactionSettings}; ${settings}`,
        )
        const result = await work(client)
        cancel.signal.throwIfAborted()
        signal?.removeEventListener('abort', onAbort)
        await commit(client)
        return result
      })
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watchdog.close()
    const clients = this.#idle.splice(0)
    for (const { timer } of clients) clearTimeout(timer)
    await Promise.all(clients.map(({ client }) => client.end()))
  }

  async #turn(signal: AbortSignal | null): Promise<void> {
    signal?.throwIfAborted()
    if (this.#used < this.#most) {
      this.#used += 1
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(go), 1)
      reject(signal?.reason)
    }
    const go = (): void => {
      signal?.removeEventListener('abort', onAbort)
      // Taken over from the one that just ended, before anybody else can come in between.
      this.#used += 1
      resolve()
    }
    this.#waiting.push(go)
    signal?.addEventListener('abort', onAbort, { once: true })
    await promise
  }

  #takeIdle(): pg.Client | null {
    for (;;) {
      const idle = this.#idle.pop()
      if (!idle) return null
      clearTimeout(idle.timer)
      if (isUsable(idle.client)) return idle.client
    }
  }

  #keep(client: pg.Client): void {
    if (this.#closed) return void client.end()
    const timer = setTimeout(() => {
      const at = this.#idle.findIndex((idle) => idle.client === client)
      if (at >= 0) this.#idle.splice(at, 1)
      void client.end()
    }, idleMs)
    timer.unref()
    this.#idle.push({ client, timer })
  }
}

/** A server that restarted closed the connection while it was idle. */
const isUsable = (client: pg.Client): boolean =>
  !(client as unknown as { connection: { stream: { destroyed: boolean; readableEnded: boolean } } })
    .connection.stream.destroyed

async function commit(client: pg.Client): Promise<void> {
  try {
    const { command } = await client.query('commit')
    // What a server answers to the COMMIT of a transaction that had failed before.
    if (command !== 'COMMIT') throw new Error(`the server answered COMMIT with ${command}`)
  } catch (error) {
    // The server may tell it is shutting down after it has committed; any other answer is a plain no.
    const state = sqlState(error)
    if (state !== undefined && !/^(57P|08)/.test(state)) throw error
    throw new LostCommit(error)
  }
}
