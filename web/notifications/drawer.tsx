import { A } from '@solidjs/router'
import { For, Show } from 'solid-js'
import type { Notification } from '../../schema/notification.ts'
import { api } from '../api.ts'
import { ago, exact } from '../format.ts'
import { problemOf } from '../problem.ts'
import { notAllowed } from '../store/role.ts'
import { now } from '../store/store.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Drawer } from '../ui/dialog.tsx'
import { Remedy } from '../ui/remedy.tsx'
import { toastProblem } from '../ui/toast.ts'
import type { Notifications } from './bell.tsx'
import { noticeOf } from './notice.ts'

export function NotificationDrawer(props: {
  shown: Notifications
  onRead: () => Promise<void>
  onClose: () => void
}) {
  const markRead = async (path: string): Promise<void> => {
    try {
      await api.post(`/notifications/${path}`)
      await props.onRead()
    } catch (error) {
      toastProblem('They are still unread', problemOf(error))
    }
  }
  return (
    <Drawer title="Notifications" onClose={props.onClose}>
      <div class="stack">
        <Show when={props.shown.unread > 0}>
          <div class="row row-between">
            <span class="muted">{props.shown.unread} unread</span>
            <Button small off={notAllowed('operator')} onClick={() => markRead('read_all')}>
              Mark all as read
            </Button>
          </div>
        </Show>
        <ul class="told-list">
          <For
            each={props.shown.data}
            fallback={
              <li class="muted">
                Nothing yet. Failed syncs, paused sources and new columns are told here.
              </li>
            }
          >
            {(one) => <Notice one={one} onRead={() => markRead(`${one.id}/read`)} />}
          </For>
        </ul>
        <Show when={props.shown.next_cursor}>
          <p class="quiet">
            Older ones: <code>GET /api/v1/notifications</code>
          </p>
        </Show>
      </div>
    </Drawer>
  )
}

function Notice(props: { one: Notification; onRead: () => Promise<void> }) {
  const notice = () => noticeOf(props.one)
  const isOff = () => notAllowed('operator') !== undefined
  const seen = () => {
    if (!props.one.read && !isOff()) void props.onRead()
  }
  return (
    <li class="told" classList={{ unread: !props.one.read }}>
      <div class="row row-between">
        <strong>{props.one.title}</strong>
        <span class="quiet" title={exact(props.one.updated_at)}>
          {ago(Date.parse(props.one.updated_at), now())}
        </span>
      </div>
      <Show when={notice().cause}>
        <p class="small">{notice().cause}</p>
      </Show>
      <Remedy text={notice().remedy} />
      <div class="row">
        <Show when={props.one.count > 1}>
          <Badge title="since it was last read">{props.one.count} times</Badge>
        </Show>
        <Show when={notice().href}>
          {(href) => (
            <A class="small" href={href()} onClick={seen}>
              Open {notice().place}
            </A>
          )}
        </Show>
        <Show when={!props.one.read && !isOff()}>
          <Button small kind="ghost" onClick={seen}>
            Mark as read
          </Button>
        </Show>
      </div>
    </li>
  )
}
