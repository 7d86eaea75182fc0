import { Show } from 'solid-js'

/** What somebody can do about what went wrong, where that is known. */
export function Remedy(props: { text: string | null | undefined }) {
  return (
    <Show when={props.text}>
      <p class="small">
        <strong>What to do:</strong> {props.text}
      </p>
    </Show>
  )
}
