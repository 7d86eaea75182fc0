import { For, Show } from 'solid-js'
import { abilities, type OfferedStream } from './connector.ts'

/** One stream, what it can do, and why not more. */
export function StreamAbilities(props: { stream: OfferedStream }) {
  return (
    <div class="abilities">
      <p>
        <strong>{props.stream.title ?? props.stream.name}</strong>{' '}
        <code class="quiet">{props.stream.name}</code>
      </p>
      <Show when={props.stream.description}>
        <p class="small muted">{props.stream.description}</p>
      </Show>
      <ul>
        <For each={abilities(props.stream)}>
          {(line) => (
            <li classList={{ muted: !line.good }}>
              <span aria-hidden="true">{line.good ? '✓' : '–'}</span> {line.text}
            </li>
          )}
        </For>
      </ul>
    </div>
  )
}
