import { createEffect, For, Match, Show, Switch } from 'solid-js'
import { createLoad } from '../load.ts'
import type { FieldProblem } from '../problem.ts'
import { FieldBox } from '../ui/field-box.tsx'
import type { FormField } from './field.ts'
import { type Draft, readForm, secretHint } from './values.ts'

interface ConfigFieldsProps {
  fields: FormField[]
  draft: Draft
  stored?: Record<string, unknown> | undefined
  errors: FieldProblem[]
  onChange: (name: string, value: string | boolean) => void
  /** tells which fields are asked for now */
  onVisible: (fields: FormField[]) => void
}

/** The inputs of a config, generated from its description. */
export function ConfigFields(props: ConfigFieldsProps) {
  // Conditions need the manifest's expression language, which only few forms use.
  const language = createLoad(
    () => props.fields.some((field) => field.showIf) || undefined,
    () => import('./condition.ts'),
  )
  const visible = () => {
    const found = language.data()
    if (!found) return props.fields
    const { config } = readForm(props.fields, props.draft)
    const known = Object.fromEntries(
      props.fields.map((field) => [field.name, field.standard ?? null]),
    )
    return found.visibleFields(props.fields, { ...known, ...props.stored, ...config })
  }
  createEffect(() => props.onVisible(visible()))
  return (
    <For each={visible()}>
      {(field) => (
        <Input
          field={field}
          value={props.draft[field.name] ?? ''}
          hint={secretHint(props.stored?.[field.name])?.hint}
          error={props.errors.find((error) => error.field === `config.${field.name}`)?.message}
          onChange={(value) => props.onChange(field.name, value)}
        />
      )}
    </For>
  )
}

interface InputProps {
  field: FormField
  value: string | boolean
  hint: string | undefined
  error: string | undefined
  onChange: (value: string | boolean) => void
}

function Input(props: InputProps) {
  const id = () => `config-${props.field.name}`
  const text = () => (typeof props.value === 'string' ? props.value : '')
  const placeholder = () => {
    if (props.hint !== undefined) return `stored (${props.hint}); leave empty to keep it`
    return props.field.standard === undefined ? '' : String(props.field.standard)
  }
  const many = () => ['long', 'list', 'json'].includes(props.field.kind)
  const common = () => ({
    id: id(),
    'aria-invalid': props.error !== undefined,
    'aria-describedby': `${id()}-help`,
  })
  return (
    <FieldBox
      id={id()}
      title={props.field.title}
      required={props.field.required && props.hint === undefined}
      help={helpOf(props.field)}
      error={props.error}
    >
      <Switch
        fallback={
          <input
            {...common()}
            type={props.field.secret ? 'password' : props.field.kind === 'date' ? 'date' : 'text'}
            inputmode={props.field.kind === 'number' ? 'decimal' : undefined}
            autocomplete="off"
            spellcheck={false}
            placeholder={placeholder()}
            value={text()}
            onInput={(event) => props.onChange(event.currentTarget.value)}
          />
        }
      >
        <Match when={props.field.kind === 'boolean'}>
          <input
            {...common()}
            type="checkbox"
            checked={props.value === true}
            onChange={(event) => props.onChange(event.currentTarget.checked)}
          />
        </Match>
        <Match when={props.field.kind === 'choice'}>
          <select {...common()} onChange={(event) => props.onChange(event.currentTarget.value)}>
            <Show when={props.field.standard === undefined}>
              <option value="">choose…</option>
            </Show>
            <For each={props.field.choices}>
              {(choice) => (
                <option value={String(choice)} selected={String(choice) === text()}>
                  {String(choice)}
                </option>
              )}
            </For>
          </select>
        </Match>
        <Match when={many()}>
          <textarea
            {...common()}
            spellcheck={false}
            placeholder={placeholder()}
            value={text()}
            onInput={(event) => props.onChange(event.currentTarget.value)}
          />
        </Match>
      </Switch>
    </FieldBox>
  )
}

function helpOf(field: FormField): string | undefined {
  const parts = [field.help]
  if (field.kind === 'list') parts.push('One a line.')
  if (field.kind === 'number' && field.min !== undefined && field.max !== undefined) {
    parts.push(`${field.min} to ${field.max}.`)
  }
  return parts.filter(Boolean).join(' ') || undefined
}
