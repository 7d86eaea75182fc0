import { createEffect, createSignal, on, onCleanup, Show } from 'solid-js'
import type { Notification } from '../../schema/notification.ts'
import { api } from '../api.ts'
import type { Listed } from '../shape.ts'
import { epoch, onEvent } from '../store/store.ts'
import { useUrl } from '../url.ts'
import { NotificationDrawer } from './drawer.tsx'

/** The newest ones that are shown; older ones are in the API. */
const shownNotifications = 50
export interface Notifications extends Listed<Notification> {
  unread: number
}

/** What happened that somebody should know, with the number of those that nobody has read. */
export function Bell() {
  const url = useUrl()
  const [found, setFound] = createSignal<Notifications>()
  // Several may come at once: one reading at a time, and one more if something came meanwhile.
  let reading = false
  let stale = false
  const read = async (): Promise<void> => {
    stale = true
    if (reading) return
    reading = true
    while (stale) {
      stale = false
      const answer = await api
        .get<Notifications>('/notifications', { limit: shownNotifications })
        .catch(() => undefined)
      if (answer) setFound(answer)
    }
    reading = false
  }
  createEffect(on(epoch, () => void read()))
  onCleanup(onEvent((event) => event.topic === 'notification' && void read()))
  const unread = () => found()?.unread ?? 0
  const title = () => (unread() === 0 ? 'Notifications' : `Notifications, ${unread()} unread`)
  return (
    <>
      <button
        type="button"
        class="tool tool-button bell"
        classList={{ unread: unread() > 0 }}
        title={title()}
        aria-label={title()}
        onClick={() => url.set({ notifications: 'open' }, { push: true })}
      >
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path d="M3 11.5h10l-1.2-1.8V7a3.8 3.8 0 0 0-7.6 0v2.7zM6.6 13.6a1.5 1.5 0 0 0 2.8 0" />
        </svg>
        <Show when={unread() > 0}>
          <span class="num">{unread() > 99 ? '99+' : unread()}</span>
        </Show>
      </button>
      <Show when={url.get('notifications') ? found() : undefined}>
        {(shown) => (
          <NotificationDrawer
            shown={shown()}
            onRead={read}
            onClose={() => url.set({ notifications: undefined })}
          />
        )}
      </Show>
    </>
  )
}
