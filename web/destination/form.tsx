import { createEffect, createMemo, createSignal, For, on, Show } from 'solid-js'
import {
  type CheckResult,
  type Destination,
  type DestinationType,
  destinationConfigs,
  destinationTypes,
} from '../../schema/destination.ts'
import { api } from '../api.ts'
import { ConfigFields } from '../form/config-fields.tsx'
import { fieldsOfSchema } from '../form/field.ts'
import { createForm } from '../form/form.ts'
import { words } from '../format.ts'
import { change } from '../store/store.ts'
import { put } from '../store/world.ts'
import { Button } from '../ui/button.tsx'
import { CheckSteps } from '../ui/check-steps.tsx'
import { Drawer } from '../ui/dialog.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { FieldBox } from '../ui/field-box.tsx'
import { toast } from '../ui/toast.ts'

interface DestinationFormProps {
  /** undefined makes a new one */
  destination: Destination | undefined
  onClose: () => void
  onSaved: (destination: Destination) => void
}

/** Makes or changes a destination; a new one can be checked before anything is stored. */
export function DestinationForm(props: DestinationFormProps) {
  const form = createForm()
  const stored = props.destination
  const [type, setType] = createSignal<DestinationType>(stored?.type ?? destinationTypes[0])
  const [name, setName] = createSignal(stored?.name ?? '')
  const [checked, setChecked] = createSignal<CheckResult>()
  const fields = createMemo(() => fieldsOfSchema(destinationConfigs[type()]))
  createEffect(on(fields, (found) => form.begin(found, stored?.config)))

  const check = () =>
    form.during('check', async () => {
      const config = form.read(stored?.config)
      if (!config) return
      setChecked(undefined)
      setChecked(await api.post<CheckResult>('/destinations/check', { type: type(), config }))
    })
  const save = () =>
    form.during('save', async () => {
      const config = form.read(stored?.config)
      if (!config) return
      const body = { name: name().trim(), config }
      const saved = stored
        ? await api.patch<Destination>(`/destinations/${stored.id}`, body)
        : await api.post<Destination>('/destinations', { ...body, type: type() })
      change((draft) => {
        put(draft.destinations, saved)
      })
      toast({ text: `${saved.name} is saved.`, good: true })
      props.onSaved(saved)
    })
  return (
    <Drawer
      title={stored ? `Destination ${stored.name}` : 'New destination'}
      onClose={props.onClose}
    >
      <form
        class="stack"
        novalidate
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <FieldBox id="type" title="Type">
          <select
            id="type"
            disabled={stored !== undefined}
            onChange={(event) => setType(event.currentTarget.value as DestinationType)}
          >
            <For each={destinationTypes}>
              {(found) => (
                <option value={found} selected={found === type()}>
                  {words(found)}
                </option>
              )}
            </For>
          </select>
        </FieldBox>
        <FieldBox id="name" title="Name" required error={form.errorOf('name')}>
          <input
            id="name"
            maxlength={128}
            placeholder="warehouse"
            value={name()}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </FieldBox>
        <ConfigFields
          fields={fields()}
          draft={form.draft}
          stored={stored?.config}
          errors={form.errors()}
          onChange={form.set}
          onVisible={form.setVisible}
        />
        <Show when={form.problem()}>
          {(found) => <ErrorState title="It was refused" problem={found()} />}
        </Show>
        <Show when={checked()}>{(result) => <CheckSteps result={result()} />}</Show>
        <div class="row row-end">
          <Show when={!stored}>
            <Button busy={form.busy() === 'check'} onClick={check}>
              Check
            </Button>
          </Show>
          <Button
            kind="primary"
            type="submit"
            busy={form.busy() === 'save'}
            off={name().trim() ? undefined : 'It needs a name.'}
          >
            Save
          </Button>
        </div>
      </form>
    </Drawer>
  )
}
