import { For, Show } from 'solid-js'
import { FieldBox } from '../ui/field-box.tsx'
import { type Revisit, type RevisitKind, revisitHelp, revisitKinds } from './revisit.ts'

/** For how long closed days are read again. */
export function RevisitField(props: {
  value: Revisit
  error: string | undefined
  onChange: (value: Revisit) => void
}) {
  return (
    <FieldBox
      id="revisit"
      title="Read closed days again"
      help={revisitHelp[props.value.kind]}
      error={props.error}
    >
      <div class="row">
        <select
          id="revisit"
          onChange={(event) => {
            const kind = event.currentTarget.value as RevisitKind
            props.onChange({ kind, days: props.value.days || '3' })
          }}
        >
          <For each={revisitKinds}>
            {({ value, label }) => (
              <option value={value} selected={value === props.value.kind}>
                {label}
              </option>
            )}
          </For>
        </select>
        <Show when={props.value.kind === 'days'}>
          <input
            aria-label="Days"
            size="6"
            value={props.value.days}
            onInput={(event) => props.onChange({ kind: 'days', days: event.currentTarget.value })}
          />
        </Show>
      </div>
    </FieldBox>
  )
}
