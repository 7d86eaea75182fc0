import type pg from 'pg'
import { sqlState } from './errors.ts'
import {
  type Claim,
  claim,
  claimOf,
  type LedgerKey,
  type LedgerRow,
  ledgerIs,
  receiptColumns,
  type TableNames,
} from './ledger.ts'
import type { Sessions } from './sessions.ts'

/** Ranges that one statement claims at most. */
const mostClaims = 200

interface Waiting {
  key: LedgerKey
  offered: number
  signal: AbortSignal
  resolve: (claimed: Claim | null) => void
  reject: (error: unknown) => void
}

/**
 * Claims ranges of one stream: the first at once, those that come while it is under way together in the next statement. What
 * cannot be claimed together is claimed alone, so no range waits for, or fails by, another one.
 */
export class Claims {
  readonly #sessions: Sessions
  readonly #names: TableNames
  readonly #waiting: Waiting[] = []
  #isBusy = false

  constructor(sessions: Sessions, names: TableNames) {
    this.#sessions = sessions
    this.#names = names
  }

  async claim(key: LedgerKey, offered: number, signal: AbortSignal): Promise<Claim> {
    const together = await new Promise<Claim | null>((resolve, reject) => {
      this.#waiting.push({ key, offered, signal, resolve, reject })
      if (!this.#isBusy) void this.#work()
    })
    if (together) return together
    return this.#sessions.run(signal, (client) => claim(client, this.#names, key, offered))
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, mostClaims)
      try {
        const claims = await this.#together(batch)
        for (const { key, resolve } of batch) resolve(claims.get(nameOf(key)) ?? null)
      } catch (error) {
        // One was aborted, or the server refused the statement: each asks on its own. Without a server all fail.
        const isOfOne = batch.some(({ signal }) => signal.aborted) || isTheServers(error)
        for (const { resolve, reject } of batch) {
          if (isOfOne && batch.length > 1) resolve(null)
          else reject(error)
        }
      }
    }
    this.#isBusy = false
  }

  async #together(batch: readonly Waiting[]): Promise<Map<string, Claim>> {
    const signal = AbortSignal.any(batch.map((waiting) => waiting.signal))
    const rows = await this.#sessions.run(signal, (client) => this.#ask(client, batch))
    const names = batch.map(({ key }) => nameOf(key))
    return new Map(rows.map((row) => [names[Number(row.n) - 1] as string, claimOf(row)]))
  }

  /** Rows that somebody holds are left out: an attempt that is just committing must not hold up all others. */
  async #ask(client: pg.Client, batch: readonly Waiting[]): Promise<(LedgerRow & { n: string })[]> {
    const { ledger, full, table } = this.#names
    const { rows } = await client.query(
      `with given as (
  select * from unnest($2::timestamptz[], $3::timestamptz[], $5::bigint[]) with ordinality
    as g (range_start, range_end, offered, n)
), free as (
  select g.n from given g join ${ledger} l on ${ledgerIs(this.#names, 'l', 'g')} for update of l skip locked
), busy as (
  select g.n from given g join ${ledger} l on ${ledgerIs(this.#names, 'l', 'g')}
  where not exists (select from free f where f.n = g.n)
), claimed as (
  insert into ${ledger} as l (stream_key, range_start, range_end, state, claimed, table_name)
  select $1, g.range_start, g.range_end, 'claimed', g.offered + 1, $6 from given g
  where not exists (select from busy b where b.n = g.n) order by g.range_start, g.range_end
  on conflict (stream_key, table_name, range_start, range_end)
  do update set claimed = greatest(l.claimed, excluded.claimed - 1) + 1
  returning range_start, range_end, claimed, ${receiptColumns}
) select g.n, c.* from claimed c join given g using (range_start, range_end)`,
      [
        batch[0]?.key.streamKey,
        batch.map(({ key }) => key.start),
        batch.map(({ key }) => key.end),
        full,
        batch.map(({ offered }) => offered),
        table,
      ],
    )
    return rows as (LedgerRow & { n: string })[]
  }
}

const isTheServers = (error: unknown): boolean =>
  sqlState((error as { cause?: unknown } | null)?.cause ?? error) !== undefined

const nameOf = ({ start, end }: LedgerKey): string => `${start} ${end}`
