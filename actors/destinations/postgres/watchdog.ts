import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { derrickError } from '../../../schema/error.ts'
import { connect, cut } from './connection.ts'
import type { Address } from './url.ts'

/** How long a statement may say nothing. Merges of millions of rows are silent for minutes, so silence alone proves nothing. */
export interface Patience {
  /** without a byte either way for so long, the server is asked what the session is doing */
  silentMs: number
  /** so long a statement may wait for somebody else's lock */
  lockMs: number
  /** so long a session may be silent that nobody can ask about, because a pooler hides it */
  blindMs: number
}

export const usualPatience: Patience = { silentMs: 20_000, lockMs: 90_000, blindMs: 15 * 60_000 }

/** Looks in one stretch of silence: a process that stood still itself must not take that for the server's silence. */
const looksInSilence = 5
const answerMs = 10_000

/** What the server says of a silent session. */
type Session = 'working' | 'locked' | 'lost' | 'hidden'

interface Watched {
  client: pg.Client
  bytes: number
  quietLooks: number
  isAsked: boolean
  /** why the statement was cancelled */
  reason: Error | null
}

/**
 * Watches the connections that are in use. `pg` waits for an answer without end: one that is lost on the way (a cable, a pooler
 * that hangs, a machine that stands still) would hold its range for ever. The server is asked by another connection; what it
 * works on goes on, what it knows nothing of is cut, and what it waits for us in vain is ended there, so that its locks are free.
 */
export class Watchdog {
  readonly #address: Address
  readonly #patience: Patience
  readonly #watched = new Set<Watched>()
  #timer: NodeJS.Timeout | null = null

  constructor(address: Address, patience: Patience = usualPatience) {
    this.#address = address
    this.#patience = patience
  }

  /** Begins to watch; the function ends it and tells why the statement was cancelled, if it was. */
  watch(client: pg.Client): () => Error | null {
    const watched = { client, bytes: bytesOf(client), quietLooks: 0, isAsked: false, reason: null }
    this.#watched.add(watched)
    this.#timer ??= setInterval(
      () => this.#look(),
      this.#patience.silentMs / looksInSilence,
    ).unref()
    return () => {
      this.#watched.delete(watched)
      return watched.reason
    }
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  #look(): void {
    if (this.#watched.size === 0) this.close()
    for (const watched of this.#watched) {
      const bytes = bytesOf(watched.client)
      // Between statements it is our turn.
      const isQuiet = bytes === watched.bytes && isWaiting(watched.client)
      watched.bytes = bytes
      watched.quietLooks = isQuiet ? watched.quietLooks + 1 : 0
      if (watched.quietLooks >= looksInSilence && !watched.isAsked) void this.#ask(watched)
    }
  }

  async #ask(watched: Watched): Promise<void> {
    const { silentMs, blindMs } = this.#patience
    const { client, bytes, quietLooks } = watched
    const quietMs = (quietLooks * silentMs) / looksInSilence
    const isStill = (): boolean => this.#watched.has(watched) && bytesOf(client) === bytes
    watched.isAsked = true
    try {
      const session = await this.#sessionOf(watched, quietMs, isStill)
      if (session === 'lost' && isStill()) cut(client)
      if (session === 'hidden' && quietMs >= blindMs && isStill()) cut(client)
    } catch {
      // No way to the server at all.
      if (isStill()) cut(client)
    }
    watched.isAsked = false
  }

  /** Asks, and acts at the server: ends a session that waits for us, cancels one that waits too long for a lock. */
  async #sessionOf(watched: Watched, quietMs: number, isStill: () => boolean): Promise<Session> {
    const { silentMs, lockMs } = this.#patience
    const { processID: pid } = watched.client as unknown as { processID: number }
    const probe = await connect(this.#address)
    const late = new AbortController()
    void delay(answerMs, undefined, { signal: late.signal }).then(
      () => cut(probe),
      () => {},
    )
    try {
      const { rows } = await probe.query(sessionSql, [pid])
      const session = judge(rows[0] as SessionRow, probe)
      if (!isStill()) return 'working'
      if (session === 'lost') await probe.query('select pg_terminate_backend($1)', [pid])
      if (session === 'locked') await probe.query(freeSql, [pid, silentMs])
      if (session === 'locked' && quietMs >= lockMs) {
        watched.reason = lockedOut(lockMs)
        await probe.query('select pg_cancel_backend($1)', [pid])
      }
      return session
    } finally {
      late.abort()
      await Promise.race([probe.end().catch(() => {}), delay(answerMs)])
    }
  }
}

/** The last condition keeps it from a session that got the number after ours was gone. */
const sessionSql = `select pg_backend_pid() as own, a.state, a.wait_event_type as waits
  from (select) as one left join pg_stat_activity a
  on a.pid = $1 and a.usename = current_user and a.application_name = 'derrick'`

/**
 * Ends what holds the lock if it is a session of ours that the server has long been waiting for: its process stands still. Should
 * it only be slow, its attempt tries again.
 */
const freeSql = `select pg_terminate_backend(a.pid) from pg_stat_activity a
  where a.pid = any(pg_blocking_pids($1)) and a.usename = current_user and a.application_name = 'derrick'
    and a.wait_event_type = 'Client' and clock_timestamp() - a.state_change > $2 * interval '1 ms'`

interface SessionRow {
  own: number
  state: string | null
  waits: string | null
}

function judge({ own, state, waits }: SessionRow, probe: pg.Client): Session {
  // Behind a pooler the numbers that clients get are none of the server's.
  if (own !== (probe as unknown as { processID: number }).processID) return 'hidden'
  if (state === 'disabled') return 'hidden'
  if (state !== 'active' || waits === 'Client') return 'lost'
  return waits === 'Lock' ? 'locked' : 'working'
}

const lockedOut = (ms: number): Error =>
  derrickError('network', 'postgres.lock', `a lock was not free within ${ms / 1000} s`, {
    remedy: 'nothing to do: it is tried again; if it persists, look for long transactions',
  })

interface Inside {
  connection: { stream: { bytesRead: number; bytesWritten: number } }
  readyForQuery: boolean
}

function bytesOf(client: pg.Client): number {
  const { bytesRead, bytesWritten } = (client as unknown as Inside).connection.stream
  return bytesRead + bytesWritten
}

const isWaiting = (client: pg.Client): boolean => !(client as unknown as Inside).readyForQuery
