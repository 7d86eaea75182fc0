import type Sqlite from 'better-sqlite3'
import type { DestinationType } from '../../schema/destination.ts'
import { type Page, selectPage } from './page.ts'
import type { StoredConfig } from './secrets.ts'

/** A destination as stored; secrets of `config` are sealed. Times are epoch ms. */
export interface DestinationRow {
  id: string
  workspaceId: string
  name: string
  type: DestinationType
  config: StoredConfig
  version: number
  createdAt: number
  updatedAt: number
}

export interface DestinationFilter extends Page {
  name?: string
  type?: string
}

type Raw = Omit<DestinationRow, 'config'> & { config: string }

const select = `select id, workspace_id as workspaceId, name, type, config, version, created_at as createdAt,
  updated_at as updatedAt from destinations`

const toRow = (raw: Raw): DestinationRow => ({ ...raw, config: JSON.parse(raw.config) })
const toRaw = (row: DestinationRow): Raw => ({ ...row, config: JSON.stringify(row.config) })

export type DestinationStore = ReturnType<typeof makeDestinationStore>

export function makeDestinationStore(db: Sqlite.Database) {
  const get = db.prepare(`${select} where id = ? and workspace_id = ?`)
  const find = db.prepare(`${select} where id = ?`)
  const byName = db.prepare(`${select} where workspace_id = ? and name = ?`)
  const insert = db.prepare(
    `insert into destinations values (@id, @workspaceId, @name, @type, @config, @version, @createdAt, @updatedAt)`,
  )
  const save = db.prepare(
    `update destinations set name = @name, config = @config, version = version + 1, updated_at = @updatedAt
     where id = @id and workspace_id = @workspaceId`,
  )
  const remove = db.prepare('delete from destinations where id = ? and workspace_id = ?')
  const row = (raw: unknown) => (raw === undefined ? undefined : toRow(raw as Raw))
  return {
    get: (workspaceId: string, id: string) => row(get.get(id, workspaceId)),
    /** For the engine, whose ids come from our own rows; the API asks with a workspace. */
    find: (id: string) => row(find.get(id)),
    byName: (workspaceId: string, name: string) => row(byName.get(workspaceId, name)),
    list: (workspaceId: string, { name, type, ...page }: DestinationFilter): DestinationRow[] =>
      (selectPage(db, select, { workspace_id: workspaceId, name, type }, page) as Raw[]).map(toRow),
    insert: (destination: DestinationRow): void => {
      insert.run(toRaw(destination))
    },
    /** Writes what people configure; raises the version, which outdates open destination actors. */
    save: (destination: DestinationRow): void => {
      save.run(toRaw(destination))
    },
    delete: (workspaceId: string, id: string): boolean => remove.run(id, workspaceId).changes > 0,
  }
}
