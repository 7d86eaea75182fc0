import type Sqlite from 'better-sqlite3'
import type { Failure } from '../../schema/error.ts'
import type { Source } from '../../schema/source.ts'
import { type Page, selectPage } from './page.ts'
import type { StoredConfig } from './secrets.ts'

/** A source as stored; secrets of `config` are sealed. Times are epoch ms. */
export interface SourceRow {
  id: string
  workspaceId: string
  name: string
  connector: string
  config: StoredConfig
  startDate: string | null
  timezone: string
  limits: Source['limits']
  state: 'active' | 'paused'
  stateReason: Failure | null
  /** the API asked to wait until then */
  pausedUntil: number | null
  version: number
  createdAt: number
  updatedAt: number
}

export interface SourceFilter extends Page {
  name?: string
  connector?: string
}

type Raw = Omit<SourceRow, 'config' | 'limits' | 'stateReason'> & {
  config: string
  limits: string
  stateReason: string | null
}

const select = `select id, workspace_id as workspaceId, name, connector, config, start_date as startDate, timezone,
  limits, state, state_reason as stateReason, paused_until as pausedUntil, version, created_at as createdAt,
  updated_at as updatedAt from sources`

const toRow = (raw: Raw): SourceRow => ({
  ...raw,
  config: JSON.parse(raw.config),
  limits: JSON.parse(raw.limits),
  stateReason: raw.stateReason === null ? null : JSON.parse(raw.stateReason),
})
const toRaw = (row: SourceRow): Raw => ({
  ...row,
  config: JSON.stringify(row.config),
  limits: JSON.stringify(row.limits),
  stateReason: row.stateReason === null ? null : JSON.stringify(row.stateReason),
})

export type SourceStore = ReturnType<typeof makeSourceStore>

export function makeSourceStore(db: Sqlite.Database) {
  const get = db.prepare(`${select} where id = ? and workspace_id = ?`)
  const find = db.prepare(`${select} where id = ?`)
  const byName = db.prepare(`${select} where workspace_id = ? and name = ?`)
  const insert = db.prepare(
    `insert into sources values (@id, @workspaceId, @name, @connector, @config, @startDate, @timezone, @limits, @state,
     @stateReason, @pausedUntil, @version, @createdAt, @updatedAt)`,
  )
  const save = db.prepare(
    `update sources set name = @name, config = @config, start_date = @startDate, timezone = @timezone,
     limits = @limits, state = @state, state_reason = @stateReason, paused_until = @pausedUntil, version = version + 1,
     updated_at = @updatedAt where id = @id and workspace_id = @workspaceId`,
  )
  const remove = db.prepare('delete from sources where id = ? and workspace_id = ?')
  const pause = db.prepare(`update sources set state = 'paused', state_reason = ? where id = ?`)
  const replaceConfig = db.prepare('update sources set config = ? where id = ?')
  const pauseUntil = db.prepare('update sources set paused_until = ? where id = ?')
  const row = (raw: unknown) => (raw === undefined ? undefined : toRow(raw as Raw))
  return {
    get: (workspaceId: string, id: string) => row(get.get(id, workspaceId)),
    /** For the engine, whose ids come from our own rows; the API asks with a workspace. */
    find: (id: string) => row(find.get(id)),
    byName: (workspaceId: string, name: string) => row(byName.get(workspaceId, name)),
    list: (workspaceId: string, { name, connector, ...page }: SourceFilter): SourceRow[] =>
      (selectPage(db, select, { workspace_id: workspaceId, name, connector }, page) as Raw[]).map(
        toRow,
      ),
    insert: (source: SourceRow): void => {
      insert.run(toRaw(source))
    },
    /** Writes what people configure, and the state; raises the version. */
    save: (source: SourceRow): void => {
      save.run(toRaw(source))
    },
    /** For secrets that their API changes: nothing that a person configured, so the version stays. */
    replaceConfig: (id: string, config: StoredConfig): void => {
      replaceConfig.run(JSON.stringify(config), id)
    },
    delete: (workspaceId: string, id: string): boolean => remove.run(id, workspaceId).changes > 0,
    pause: (id: string, reason: Failure): void => {
      pause.run(JSON.stringify(reason), id)
    },
    setPausedUntil: (id: string, until: number | null): void => {
      pauseUntil.run(until, id)
    },
  }
}
