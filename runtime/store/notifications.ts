import type Sqlite from 'better-sqlite3'
import type { NotificationKind } from '../../schema/notification.ts'
import type { Page } from './page.ts'

/** A notification as stored; times are epoch ms. */
export interface NotificationRow {
  id: string
  workspaceId: string
  kind: NotificationKind
  title: string
  detail: Record<string, unknown>
  streamId: string | null
  /** how often it happened since it was last read */
  count: number
  readAt: number | null
  createdAt: number
  updatedAt: number
}

/** What happened; the same `dedupKey` counts up the unread one instead of adding another. */
export type NewNotification = Pick<
  NotificationRow,
  'id' | 'workspaceId' | 'kind' | 'title' | 'detail'
> & { dedupKey: string; streamId: string | null }

const columns = `id, workspace_id as workspaceId, kind, title, detail, stream_id as streamId, count,
  read_at as readAt, created_at as createdAt, updated_at as updatedAt`

type Raw = Omit<NotificationRow, 'detail'> & { detail: string }
const toRow = (raw: Raw): NotificationRow => ({ ...raw, detail: JSON.parse(raw.detail) })

export type NotificationStore = ReturnType<typeof makeNotificationStore>

export function makeNotificationStore(db: Sqlite.Database) {
  const get = db.prepare(`select ${columns} from notifications where id = ? and workspace_id = ?`)
  // Newest first; ids sort by time.
  const list = db.prepare(
    `select ${columns} from notifications where workspace_id = @workspaceId
       and (@unread = 0 or read_at is null) and (@before is null or id < @before) order by id desc limit @limit`,
  )
  const add = db.prepare(
    `insert into notifications (id, workspace_id, kind, dedup_key, title, detail, stream_id, created_at, updated_at)
     values (@id, @workspaceId, @kind, @dedupKey, @title, @detail, @streamId, @now, @now)
     on conflict (workspace_id, dedup_key) where read_at is null do update
       set count = count + 1, title = excluded.title, detail = excluded.detail, updated_at = excluded.updated_at
     returning ${columns}`,
  )
  const read = db.prepare(
    `update notifications set read_at = coalesce(read_at, ?) where id = ? and workspace_id = ?`,
  )
  const readAll = db.prepare(
    'update notifications set read_at = ? where workspace_id = ? and read_at is null',
  )
  const unread = db
    .prepare('select count(*) from notifications where workspace_id = ? and read_at is null')
    .pluck()
  const prune = db.prepare('delete from notifications where read_at < ?')
  return {
    get: (workspaceId: string, id: string): NotificationRow | undefined => {
      const raw = get.get(id, workspaceId) as Raw | undefined
      return raw && toRow(raw)
    },
    list: (workspaceId: string, { after, limit, unread }: Page & { unread?: boolean }) => {
      const bound = { workspaceId, unread: unread ? 1 : 0, before: after ?? null, limit }
      return (list.all(bound) as Raw[]).map(toRow)
    },
    unread: (workspaceId: string) => unread.get(workspaceId) as number,
    add: (entry: NewNotification, now: number): NotificationRow =>
      toRow(add.get({ ...entry, detail: JSON.stringify(entry.detail), now }) as Raw),
    read: (workspaceId: string, id: string, now: number): boolean =>
      read.run(now, id, workspaceId).changes > 0,
    readAll: (workspaceId: string, now: number): number => readAll.run(now, workspaceId).changes,
    /** Forgets what was read before `before`. */
    prune: (before: number): number => prune.run(before).changes,
  }
}
