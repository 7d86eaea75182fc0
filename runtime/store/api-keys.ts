import type Sqlite from 'better-sqlite3'
import type { Role } from '../../schema/api-key.ts'
import type { Page } from './page.ts'

/** An API key; of the key itself only its SHA-256 is known. */
export interface ApiKeyRow {
  id: string
  name: string
  role: Role
  /** null: not bound to a workspace */
  workspaceId: string | null
  hash: string
  hint: string
  createdAt: number
  lastUsedAt: number | null
}

const select = `select id, name, role, workspace_id as workspaceId, hash, hint, created_at as createdAt,
  last_used_at as lastUsedAt from api_keys`

/** Keys are used with every request; when they were last used is kept to the minute. */
const usedStepMs = 60_000

export type ApiKeyStore = ReturnType<typeof makeApiKeyStore>

export function makeApiKeyStore(db: Sqlite.Database) {
  const get = db.prepare(`${select} where id = ?`)
  const byHash = db.prepare(`${select} where hash = ?`)
  const list = db.prepare(
    `${select} where (@workspaceId is null or workspace_id = @workspaceId) and id > @after order by id limit @limit`,
  )
  const admins = db
    .prepare(`select count(*) from api_keys where role = 'admin' and workspace_id is null`)
    .pluck()
  const insert = db.prepare(
    'insert into api_keys values (@id, @name, @role, @workspaceId, @hash, @hint, @createdAt, @lastUsedAt)',
  )
  const used = db.prepare('update api_keys set last_used_at = ? where id = ?')
  const remove = db.prepare('delete from api_keys where id = ?')
  return {
    get: (id: string) => get.get(id) as ApiKeyRow | undefined,
    byHash: (hash: string) => byHash.get(hash) as ApiKeyRow | undefined,
    /** All keys, or with a workspace those that are bound to it. */
    list: (workspaceId: string | null, { after, limit }: Page) =>
      list.all({ workspaceId, after: after ?? '', limit }) as ApiKeyRow[],
    /** Admin keys that may do everything: the last one must stay. */
    countAdmins: () => admins.get() as number,
    insert: (row: ApiKeyRow): void => {
      insert.run(row)
    },
    markUsed: (row: ApiKeyRow, now: number): void => {
      if (row.lastUsedAt === null || now - row.lastUsedAt >= usedStepMs) used.run(now, row.id)
    },
    /** Deletes the key and with it the sessions that were opened by it. */
    delete: (id: string): boolean => remove.run(id).changes > 0,
  }
}
