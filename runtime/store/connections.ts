import type Sqlite from 'better-sqlite3'
import { type Page, selectPage } from './page.ts'

/** A connection as stored; times are epoch ms. */
export interface ConnectionRow {
  id: string
  workspaceId: string
  name: string
  sourceId: string
  destinationId: string
  namespace: string
  streamPrefix: string
  version: number
  createdAt: number
  updatedAt: number
}

export interface ConnectionFilter extends Page {
  name?: string
  sourceId?: string
  destinationId?: string
}

const select = `select id, workspace_id as workspaceId, name, source_id as sourceId, destination_id as destinationId,
  namespace, stream_prefix as streamPrefix, version, created_at as createdAt, updated_at as updatedAt from connections`

export type ConnectionStore = ReturnType<typeof makeConnectionStore>

export function makeConnectionStore(db: Sqlite.Database) {
  const get = db.prepare(`${select} where id = ? and workspace_id = ?`)
  const find = db.prepare(`${select} where id = ?`)
  const byName = db.prepare(`${select} where workspace_id = ? and name = ?`)
  const insert = db.prepare(
    `insert into connections (id, workspace_id, name, source_id, destination_id, namespace, stream_prefix, version,
       created_at, updated_at)
     values (@id, @workspaceId, @name, @sourceId, @destinationId, @namespace, @streamPrefix, @version, @createdAt,
       @updatedAt)`,
  )
  const save = db.prepare(
    `update connections set name = @name, namespace = @namespace, stream_prefix = @streamPrefix,
     version = version + 1, updated_at = @updatedAt where id = @id and workspace_id = @workspaceId`,
  )
  const remove = db.prepare('delete from connections where id = ? and workspace_id = ?')
  return {
    get: (workspaceId: string, id: string) => get.get(id, workspaceId) as ConnectionRow | undefined,
    /** For the engine, whose ids come from our own rows; the API asks with a workspace. */
    find: (id: string) => find.get(id) as ConnectionRow | undefined,
    byName: (workspaceId: string, name: string) =>
      byName.get(workspaceId, name) as ConnectionRow | undefined,
    list: (
      workspaceId: string,
      { name, sourceId, destinationId, ...page }: ConnectionFilter,
    ): ConnectionRow[] => {
      const equals = {
        workspace_id: workspaceId,
        name,
        source_id: sourceId,
        destination_id: destinationId,
      }
      return selectPage(db, select, equals, page) as ConnectionRow[]
    },
    insert: (connection: ConnectionRow): void => {
      insert.run(connection)
    },
    /** Writes what people configure; raises the version. */
    save: (connection: ConnectionRow): void => {
      save.run(connection)
    },
    /** Only the row; its streams must be gone. */
    delete: (workspaceId: string, id: string): boolean => remove.run(id, workspaceId).changes > 0,
  }
}
