import type Sqlite from 'better-sqlite3'
import type { Page } from './page.ts'

export interface WorkspaceRow {
  id: string
  name: string
  createdAt: number
}

/** What a key that is bound to no workspace means when it names none. */
export const defaultWorkspaceName = 'default'

const columns = 'id, name, created_at as createdAt'

export type WorkspaceStore = ReturnType<typeof makeWorkspaceStore>

export function makeWorkspaceStore(db: Sqlite.Database) {
  const get = db.prepare(`select ${columns} from workspaces where id = ?`)
  const byName = db.prepare(`select ${columns} from workspaces where name = ?`)
  const list = db.prepare(`select ${columns} from workspaces where id > ? order by id limit ?`)
  const insert = db.prepare('insert into workspaces values (@id, @name, @createdAt)')
  const rename = db.prepare('update workspaces set name = ? where id = ?')
  const remove = db.prepare('delete from workspaces where id = ?')
  const forget = ['activity', 'notifications', 'runs'].map((table) =>
    db.prepare(`delete from ${table} where workspace_id = ?`),
  )
  const users = db
    .prepare(
      `select 'source ' || name from sources where workspace_id = @id
       union all select 'destination ' || name from destinations where workspace_id = @id
       union all select 'API key ' || name from api_keys where workspace_id = @id
       limit 10`,
    )
    .pluck()
  return {
    get: (id: string) => get.get(id) as WorkspaceRow | undefined,
    byName: (name: string) => byName.get(name) as WorkspaceRow | undefined,
    list: ({ after, limit }: Page) => list.all(after ?? '', limit) as WorkspaceRow[],
    insert: (row: WorkspaceRow): void => {
      insert.run(row)
    },
    rename: (id: string, name: string): void => {
      rename.run(name, id)
    },
    /** What keeps a workspace from being deleted: the first ten things in it. */
    users: (id: string) => users.all({ id }) as string[],
    /** Deletes an empty workspace and its history. */
    delete: db.transaction((id: string): void => {
      for (const statement of forget) statement.run(id)
      remove.run(id)
    }),
  }
}
