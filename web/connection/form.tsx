import { For, Show } from 'solid-js'
import type { Connection } from '../../schema/connection.ts'
import { world } from '../store/store.ts'
import { Button, LinkButton } from '../ui/button.tsx'
import { Drawer } from '../ui/dialog.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { FieldBox } from '../ui/field-box.tsx'
import { Loading } from '../ui/loading.tsx'
import { useUrl } from '../url.ts'
import { StreamChoices, StreamDefaults } from './choices.tsx'
import { type ConnectionState, createConnection } from './creation.ts'

/**
 * A new connection from source to first sync, or (with `connection`) more streams for one that
 * exists. Source and destination are in the address, so that making one on the way leads back here.
 */
export function ConnectionForm(props: { connection: Connection | undefined; onClose: () => void }) {
  const state = createConnection(props.connection)
  return (
    <Drawer
      title={props.connection ? `More streams for ${props.connection.name}` : 'New connection'}
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
        <Show when={!state.made()}>
          <Ends sourceId={state.sourceId()} destinationId={state.destinationId()} />
          <Show when={state.sourceId() && state.destinationId()}>
            <Names
              values={state.names}
              standardName={state.standardName()}
              standardNamespace={world.sources[state.sourceId() ?? '']?.name ?? ''}
              errorOf={state.form.errorOf}
              onChange={(name, value) => state.setNames(name, value)}
            />
          </Show>
        </Show>
        <Offer state={state} />
        <Show when={state.form.problem()}>
          {(problem) => <ErrorState title="It was refused" problem={problem()} />}
        </Show>
        <div class="row row-end">
          <Button onClick={props.onClose}>Close</Button>
          <Button
            kind="primary"
            type="submit"
            busy={state.form.busy() !== undefined}
            off={state.off()}
          >
            {addText(state.chosen())}
          </Button>
        </div>
      </form>
    </Drawer>
  )
}

const addText = (chosen: number): string =>
  chosen === 0 ? 'Add streams' : `Add ${chosen} ${chosen === 1 ? 'stream' : 'streams'}`

/** The streams that the source offers, and how all chosen ones begin. */
function Offer(props: { state: ConnectionState }) {
  const { state } = props
  return (
    <>
      <Show when={state.offered.problem()}>
        {(problem) => (
          <ErrorState
            title="The source’s streams can’t be shown"
            problem={problem()}
            retry={state.offered.again}
          />
        )}
      </Show>
      <Show when={state.offered.loading()}>
        <Loading what="the streams that the source offers" />
      </Show>
      <Show when={state.offered.data()}>
        {(found) => (
          <>
            <StreamChoices
              offered={found()}
              choices={state.choices}
              onChange={(name, edit) => state.setChoices((choice) => choice.name === name, edit)}
            />
            <StreamDefaults
              granularity={state.plan.granularity}
              schedule={state.plan.schedule}
              onGranularity={(value) => state.setPlan('granularity', value)}
              onSchedule={(value) => state.setPlan('schedule', value)}
            />
            <label class="check-line">
              <input
                type="checkbox"
                checked={state.plan.start}
                onChange={(event) => state.setPlan('start', event.currentTarget.checked)}
              />
              Start the first sync at once
            </label>
          </>
        )}
      </Show>
    </>
  )
}

function Ends(props: { sourceId: string | undefined; destinationId: string | undefined }) {
  const url = useUrl()
  const back = (end: 'source' | 'destination') => {
    const other = end === 'source' ? props.destinationId : props.sourceId
    const name = end === 'source' ? 'destination' : 'source'
    return encodeURIComponent(`/connections?new=1${other ? `&${name}=${other}` : ''}`)
  }
  return (
    <>
      <FieldBox id="source" title="1. Source" help="The API to read.">
        <div class="with-button">
          <select
            id="source"
            onChange={(event) => url.set({ source: event.currentTarget.value || undefined })}
          >
            <option value="">choose…</option>
            <For each={Object.values(world.sources)}>
              {(source) => (
                <option value={source.id} selected={source.id === props.sourceId}>
                  {source.name} ({source.connector})
                </option>
              )}
            </For>
          </select>
          <LinkButton href={`/sources?new=1&next=${back('source')}`}>New source</LinkButton>
        </div>
      </FieldBox>
      <FieldBox id="destination" title="2. Destination" help="Where its records land.">
        <div class="with-button">
          <select
            id="destination"
            onChange={(event) => url.set({ destination: event.currentTarget.value || undefined })}
          >
            <option value="">choose…</option>
            <For each={Object.values(world.destinations)}>
              {(destination) => (
                <option value={destination.id} selected={destination.id === props.destinationId}>
                  {destination.name} ({destination.type})
                </option>
              )}
            </For>
          </select>
          <LinkButton href={`/destinations?new=1&next=${back('destination')}`}>
            New destination
          </LinkButton>
        </div>
      </FieldBox>
    </>
  )
}

interface NamesProps {
  values: { name: string; namespace: string; prefix: string }
  standardName: string
  standardNamespace: string
  errorOf: (field: string) => string | undefined
  onChange: (name: 'name' | 'namespace' | 'prefix', value: string) => void
}

function Names(props: NamesProps) {
  const field = (name: 'name' | 'namespace' | 'prefix', placeholder: string) => (
    <input
      id={`connection-${name}`}
      maxlength={100}
      spellcheck={false}
      placeholder={placeholder}
      value={props.values[name]}
      onInput={(event) => props.onChange(name, event.currentTarget.value)}
    />
  )
  return (
    <>
      <FieldBox id="connection-name" title="Name" error={props.errorOf('name')}>
        {field('name', props.standardName)}
      </FieldBox>
      <div class="pair">
        <FieldBox
          id="connection-namespace"
          title="Namespace"
          help="Schema or folder that the streams land in."
          error={props.errorOf('namespace')}
        >
          {field('namespace', props.standardNamespace)}
        </FieldBox>
        <FieldBox
          id="connection-prefix"
          title="Stream prefix"
          help="Put before each table’s name."
          error={props.errorOf('stream_prefix')}
        >
          {field('prefix', 'none')}
        </FieldBox>
      </div>
    </>
  )
}
