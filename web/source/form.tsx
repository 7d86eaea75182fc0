import { createEffect, createMemo, createSignal, For, on, Show } from 'solid-js'
import type { CheckResult } from '../../schema/destination.ts'
import type { Source } from '../../schema/source.ts'
import { api } from '../api.ts'
import { ConfigFields } from '../form/config-fields.tsx'
import { fieldsOfManifest } from '../form/field.ts'
import { createForm } from '../form/form.ts'
import { change } from '../store/store.ts'
import { put } from '../store/world.ts'
import { Button } from '../ui/button.tsx'
import { CheckSteps } from '../ui/check-steps.tsx'
import { Drawer } from '../ui/dialog.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { FieldBox } from '../ui/field-box.tsx'
import { toast } from '../ui/toast.ts'
import { awaitsAgreement } from './agreement.ts'
import type { Connector } from './connector.ts'
import { ConnectorAbout } from './connector-drawer.tsx'
import { SourcePreview } from './preview.tsx'
import { zones } from './zones.ts'

interface SourceFormProps {
  connectors: Connector[]
  /** undefined makes a new one */
  source: Source | undefined
  /** connector that a new one begins with */
  connector: string | undefined
  onClose: () => void
  onSaved: (source: Source) => void
}

function createSource(props: SourceFormProps) {
  const form = createForm()
  const [source, setSource] = createSignal(props.source)
  const [connector, setConnector] = createSignal(
    props.source?.connector ??
      props.connectors.find((found) => found.id === props.connector)?.id ??
      props.connectors[0]?.id ??
      '',
  )
  const [name, setName] = createSignal(props.source?.name ?? '')
  const [startDate, setStartDate] = createSignal(props.source?.start_date ?? '')
  const [zone, setZone] = createSignal(props.source?.timezone ?? 'UTC')
  const [checked, setChecked] = createSignal<CheckResult>()
  const described = createMemo(() => props.connectors.find((found) => found.id === connector()))
  const fields = createMemo(() => fieldsOfManifest(described()?.config ?? {}))
  createEffect(on(fields, (found) => form.begin(found, source()?.config)))

  const store = async (config: Record<string, unknown>): Promise<Source> => {
    const stored = source()
    const body = {
      name: name().trim() || connector(),
      config,
      start_date: startDate() || null,
      timezone: zone().trim(),
    }
    const saved = stored
      ? await api.patch<Source>(`/sources/${stored.id}`, body)
      : await api.post<Source>('/sources', { ...body, connector: connector() })
    setSource(saved)
    change((draft) => {
      put(draft.sources, saved)
    })
    return saved
  }
  /** A new source is tried before anything is stored; with `force` what failed is stored all the same. */
  const save = (force = false) =>
    form.during('save', async () => {
      const config = form.read(source()?.config)
      if (!config) return
      setChecked(undefined)
      // Without the agreement that is asked for next, there is nothing to try.
      const agreesLater = awaitsAgreement(described()?.authorize, config, source()?.config)
      if (!source() && !force && !agreesLater) {
        const result = await api.post<CheckResult>('/sources/check', {
          connector: connector(),
          config,
        })
        setChecked(result)
        if (!result.ok) return
      }
      const changed = source() !== undefined
      const saved = await store(config)
      if (changed && !agreesLater)
        setChecked(await api.post<CheckResult>(`/sources/${saved.id}/check`))
      if (checked()?.ok === false && !force) return
      toast({ text: `${saved.name} is saved.`, good: true })
      props.onSaved(saved)
    })
  return {
    form,
    source,
    connector,
    setConnector,
    name,
    setName,
    startDate,
    setStartDate,
    zone,
    setZone,
    checked,
    described,
    fields,
    save,
  }
}

/** Makes or changes a source, then checks it with its stored credentials. */
export function SourceForm(props: SourceFormProps) {
  const state = createSource(props)
  const { form, source } = state
  return (
    <Drawer
      title={props.source ? `Source ${props.source.name}` : 'New source'}
      onClose={props.onClose}
    >
      <form
        class="stack"
        novalidate
        onSubmit={(event) => {
          event.preventDefault()
          void state.save()
        }}
      >
        <ConnectorChoice
          connectors={props.connectors}
          chosen={state.described()}
          fixed={source() !== undefined}
          onChange={state.setConnector}
        />
        <FieldBox id="name" title="Name" error={form.errorOf('name')}>
          <input
            id="name"
            maxlength={128}
            placeholder={state.connector()}
            value={state.name()}
            onInput={(event) => state.setName(event.currentTarget.value)}
          />
        </FieldBox>
        <ConfigFields
          fields={state.fields()}
          draft={form.draft}
          stored={source()?.config}
          errors={form.errors()}
          onChange={form.set}
          onVisible={form.setVisible}
        />
        <Reach
          startDate={state.startDate()}
          zone={state.zone()}
          error={form.errorOf('start_date')}
          onStartDate={state.setStartDate}
          onZone={state.setZone}
        />
        <Show when={state.described()?.authorize}>
          <p class="small">
            Access is agreed to in a browser: save the source, then press <strong>Authorize</strong>
            .
          </p>
        </Show>
        <Show when={state.described()}>
          {(found) => (
            <SourcePreview
              connector={found()}
              form={form}
              sourceId={source()?.id}
              stored={source()?.config}
              timezone={state.zone()}
            />
          )}
        </Show>
        <Show when={form.problem()}>
          {(found) => <ErrorState title="That did not work" problem={found()} />}
        </Show>
        <Show when={state.checked()}>
          {(result) => <Result result={result()} saved={source() !== undefined} />}
        </Show>
        <div class="row row-end">
          <Button onClick={props.onClose}>Close</Button>
          <Show when={!source() && state.checked()?.ok === false}>
            <Button onClick={() => state.save(true)}>Save anyway</Button>
          </Show>
          <Button
            kind="primary"
            type="submit"
            busy={form.busy() === 'save'}
            off={state.described() ? undefined : 'There is no connector.'}
          >
            Check and save
          </Button>
        </div>
      </form>
    </Drawer>
  )
}

function ConnectorChoice(props: {
  connectors: Connector[]
  chosen: Connector | undefined
  fixed: boolean
  onChange: (name: string) => void
}) {
  return (
    <FieldBox id="connector" title="Connector" help="Which API it reads.">
      <select
        id="connector"
        disabled={props.fixed}
        onChange={(event) => props.onChange(event.currentTarget.value)}
      >
        <For each={props.connectors}>
          {(found) => (
            <option value={found.id} selected={found.id === props.chosen?.id}>
              {found.name}
            </option>
          )}
        </For>
      </select>
      <Show when={props.chosen}>{(chosen) => <ConnectorAbout connector={chosen()} />}</Show>
    </FieldBox>
  )
}

function Result(props: { result: CheckResult; saved: boolean }) {
  return (
    <>
      <Show when={!props.result.ok}>
        <p class="bad">
          {props.saved
            ? 'It is saved, but the check failed. Correct it and save again.'
            : 'The check failed, so nothing is saved yet.'}
        </p>
      </Show>
      <CheckSteps result={props.result} />
    </>
  )
}

function Reach(props: {
  startDate: string
  zone: string
  error: string | undefined
  onStartDate: (value: string) => void
  onZone: (value: string) => void
}) {
  return (
    <>
      <FieldBox
        id="start_date"
        title="Start date"
        help="The earliest day to read. Empty: 30 days before now."
        error={props.error}
      >
        <input
          id="start_date"
          type="date"
          value={props.startDate.slice(0, 10)}
          onInput={(event) => props.onStartDate(event.currentTarget.value)}
        />
      </FieldBox>
      <FieldBox
        id="timezone"
        title="Time zone"
        help="Days begin at this zone’s midnight. It can’t be changed freely later: ranges are cut by it."
      >
        <input
          id="timezone"
          list="zones"
          spellcheck={false}
          value={props.zone}
          onInput={(event) => props.onZone(event.currentTarget.value)}
        />
        <datalist id="zones">
          <For each={zones()}>{(zone) => <option value={zone} />}</For>
        </datalist>
      </FieldBox>
    </>
  )
}
