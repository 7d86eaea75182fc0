import { type JSX, Show } from 'solid-js'

interface FieldBoxProps {
  /** id of the input inside */
  id: string
  title: string
  required?: boolean
  help?: string | undefined
  error?: string | undefined
  children: JSX.Element
}

/** Label, input, help and what is wrong with it: always in this order, always connected. */
export function FieldBox(props: FieldBoxProps) {
  return (
    <div class="field">
      <label for={props.id} classList={{ required: props.required ?? false }}>
        {props.title}
      </label>
      {props.children}
      <div id={`${props.id}-help`}>
        <Show when={props.error}>
          <p class="bad" role="alert">
            ✕ {props.title} {props.error}
          </p>
        </Show>
        <Show when={props.help}>
          <p class="help">{props.help}</p>
        </Show>
      </div>
    </div>
  )
}
