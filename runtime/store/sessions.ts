import type Sqlite from 'better-sqlite3'
import type { Role } from '../../schema/api-key.ts'

/** A browser's session; of the cookie only its SHA-256 is known. Times are epoch ms. */
export interface SessionRow {
  id: string
  hash: string
  /** null: opened by a one-time link */
  keyId: string | null
  role: Role
  workspaceId: string | null
  createdAt: number
  expiresAt: number
}

export interface LoginLinkRow {
  hash: string
  role: Role
  expiresAt: number
}

const select = `select id, hash, key_id as keyId, role, workspace_id as workspaceId, created_at as createdAt,
  expires_at as expiresAt from sessions`

export type SessionStore = ReturnType<typeof makeSessionStore>

export function makeSessionStore(db: Sqlite.Database) {
  const byHash = db.prepare(`${select} where hash = ? and expires_at > ?`)
  const insert = db.prepare(
    'insert into sessions values (@id, @hash, @keyId, @role, @workspaceId, @createdAt, @expiresAt)',
  )
  const extend = db.prepare('update sessions set expires_at = ? where id = ?')
  const remove = db.prepare('delete from sessions where id = ?')
  const sweep = db.prepare('delete from sessions where expires_at <= ?')
  const addLink = db.prepare('insert into login_links values (@hash, @role, @expiresAt)')
  const takeLink = db.prepare(
    'delete from login_links where hash = ? returning hash, role, expires_at as expiresAt',
  )
  const sweepLinks = db.prepare('delete from login_links where expires_at <= ?')
  return {
    byHash: (hash: string, now: number) => byHash.get(hash, now) as SessionRow | undefined,
    insert: (row: SessionRow): void => {
      insert.run(row)
    },
    extend: (id: string, expiresAt: number): void => {
      extend.run(expiresAt, id)
    },
    delete: (id: string): void => {
      remove.run(id)
    },
    addLink: (link: LoginLinkRow): void => {
      addLink.run(link)
    },
    /** Uses a one-time link up; undefined when there is none or it is too old. */
    takeLink: (hash: string, now: number): LoginLinkRow | undefined => {
      const link = takeLink.get(hash) as LoginLinkRow | undefined
      return link && link.expiresAt > now ? link : undefined
    },
    /** Forgets what has expired; returns the number of sessions. */
    sweep: (now: number): number => {
      sweepLinks.run(now)
      return sweep.run(now).changes
    },
  }
}
