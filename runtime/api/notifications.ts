import Type from 'typebox'
import { Notification } from '../../schema/notification.ts'
import type { App } from './app.ts'
import { workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { idParams, listOf, NoBody, operation, pageQuery, query } from './operation.ts'
import { idPage } from './paging.ts'
import { presentNotification } from './present.ts'
import { notFound } from './problem.ts'

const tag = 'notifications'
const ops = {
  list: operation({
    id: 'listNotifications',
    summary: 'List notifications, newest first, with the number of unread ones',
    tag,
    role: 'viewer',
    query: query({ ...pageQuery, unread: Type.Optional(Type.Boolean()) }),
    answer: {
      200: Type.Object({ ...listOf(Notification).properties, unread: Type.Integer() }),
    },
  }),
  read: operation({
    id: 'readNotification',
    summary: 'Mark a notification as read',
    tag,
    role: 'operator',
    params: idParams('ntf'),
    body: NoBody,
    answer: { 200: Notification },
  }),
  readAll: operation({
    id: 'readAllNotifications',
    summary: 'Mark all notifications as read',
    tag,
    role: 'operator',
    body: NoBody,
    answer: { 200: Type.Object({ read: Type.Integer() }) },
  }),
}

export function notificationRoutes(app: App, deps: ApiDeps): void {
  const { notifications } = deps.stores
  app.get('/api/v1/notifications', ops.list, async (request) => {
    const workspace = workspaceOf(request, deps)
    const unread = request.query.unread === undefined ? {} : { unread: request.query.unread }
    const page = idPage(
      request.query,
      (asked) => notifications.list(workspace.id, { ...asked, ...unread }),
      presentNotification,
    )
    return { ...page, unread: notifications.unread(workspace.id) }
  })
  app.post('/api/v1/notifications/:id/read', ops.read, async (request) => {
    const workspace = workspaceOf(request, deps)
    const { id } = request.params
    notifications.read(workspace.id, id, deps.now())
    const row = notifications.get(workspace.id, id)
    if (!row) throw notFound('notification', id)
    return presentNotification(row)
  })
  app.post('/api/v1/notifications/read_all', ops.readAll, async (request) => ({
    read: notifications.readAll(workspaceOf(request, deps).id, deps.now()),
  }))
}
