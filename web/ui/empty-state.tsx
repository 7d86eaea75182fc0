import { type JSX, Show } from 'solid-js'

/** Says what is missing, the next step, and the same as a command. */
export function EmptyState(props: {
  title: string
  text: string
  action?: JSX.Element
  command?: string
}) {
  return (
    <div class="empty">
      <h2>{props.title}</h2>
      <p class="muted">{props.text}</p>
      <Show when={props.action}>
        <div class="row">{props.action}</div>
      </Show>
      <Show when={props.command}>
        <p class="quiet">
          or from a shell: <code>{props.command}</code>
        </p>
      </Show>
    </div>
  )
}
