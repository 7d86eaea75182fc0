import type Sqlite from 'better-sqlite3'

/** An answer that is given again to a repeated request. */
export interface StoredAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

export type IdempotencyState =
  | { kind: 'new' }
  | { kind: 'in-flight' }
  | { kind: 'other-body' }
  | { kind: 'answered'; answer: StoredAnswer }

export const idempotencyKeptMs = 24 * 3_600_000

interface Raw {
  body_hash: string
  status: number | null
  response: string | null
  created_at: number
}

export type IdempotencyStore = ReturnType<typeof makeIdempotencyStore>

export function makeIdempotencyStore(db: Sqlite.Database) {
  const get = db.prepare(
    'select body_hash, status, response, created_at from idempotency_keys where scope = ? and key = ?',
  )
  const insert = db.prepare(
    'insert into idempotency_keys (key, scope, body_hash, created_at) values (?, ?, ?, ?)',
  )
  const finish = db.prepare(
    'update idempotency_keys set status = ?, response = ? where scope = ? and key = ?',
  )
  const forget = db.prepare('delete from idempotency_keys where scope = ? and key = ?')
  const sweep = db.prepare('delete from idempotency_keys where created_at <= ?')
  const abandon = db.prepare('delete from idempotency_keys where status is null')

  const begin = (scope: string, key: string, bodyHash: string, now: number): IdempotencyState => {
    const known = get.get(scope, key) as Raw | undefined
    if (known && known.created_at > now - idempotencyKeptMs) {
      if (known.body_hash !== bodyHash) return { kind: 'other-body' }
      if (known.status === null) return { kind: 'in-flight' }
      return { kind: 'answered', answer: JSON.parse(known.response as string) }
    }
    if (known) forget.run(scope, key)
    insert.run(key, scope, bodyHash, now)
    return { kind: 'new' }
  }
  return {
    /** Takes the key for this request, or says what became of the request that took it before. */
    begin: db.transaction(begin),
    finish: (scope: string, key: string, answer: StoredAnswer): void => {
      finish.run(answer.status, JSON.stringify(answer), scope, key)
    },
    /** The request failed in a way that may be tried again. */
    forget: (scope: string, key: string): void => {
      forget.run(scope, key)
    },
    sweep: (now: number): number => sweep.run(now - idempotencyKeptMs).changes,
    /** At start: requests that a crash cut off may be sent again. */
    abandon: (): number => abandon.run().changes,
  }
}
