import { For, Show } from 'solid-js'
import { dismiss, toasts } from './toast.ts'

/** Short messages in the corner; read out politely, gone after some seconds. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      <For each={toasts()}>
        {(entry) => (
          <div class="toast" classList={{ bad: entry.bad, good: entry.good }}>
            <span class="glyph" aria-hidden="true">
              {entry.bad ? '✕' : entry.good ? '✓' : 'ℹ'}
            </span>
            <div>
              <div>{entry.text}</div>
              <Show when={entry.detail}>
                <div class="small muted">{entry.detail}</div>
              </Show>
            </div>
            <button
              type="button"
              class="button ghost button-small"
              aria-label="Dismiss"
              onClick={() => dismiss(entry.id)}
            >
              ✕
            </button>
          </div>
        )}
      </For>
    </div>
  )
}
