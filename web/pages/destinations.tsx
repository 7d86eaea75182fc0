import { For, Show } from 'solid-js'
import type { Destination } from '../../schema/destination.ts'
import { DestinationForm } from '../destination/form.tsx'
import { secretHint } from '../form/values.ts'
import { words } from '../format.ts'
import { SideActions } from '../side/actions.tsx'
import { DeleteSide } from '../side/delete.tsx'
import { useFormUrl } from '../side/form-url.ts'
import { usedBy } from '../side/side.ts'
import { notAllowed } from '../store/role.ts'
import { world } from '../store/store.ts'
import { Badge } from '../ui/badge.tsx'
import { LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { useUrl } from '../url.ts'

/** Every destination: where data lands, whether it can be written, who uses it. */
export function Destinations() {
  const url = useUrl()
  const all = () => Object.values(world.destinations).sort((a, b) => a.name.localeCompare(b.name))
  const { close, saved } = useFormUrl('destination')
  return (
    <>
      <div class="page-head">
        <h1>Destinations</h1>
        <LinkButton kind="primary" off={notAllowed('admin')} href="/destinations?new=1">
          New destination
        </LinkButton>
      </div>
      <Show when={all().length > 0} fallback={<NoDestination />}>
        <div class="cards">
          <For each={all()}>{(destination) => <DestinationCard destination={destination} />}</For>
        </div>
      </Show>
      <Show when={url.get('new') || world.destinations[url.get('edit') ?? '']}>
        <DestinationForm
          destination={world.destinations[url.get('edit') ?? '']}
          onClose={close}
          onSaved={saved}
        />
      </Show>
      <Show when={world.destinations[url.get('delete') ?? '']}>
        {(destination) => (
          <DeleteSide
            side="destination"
            thing={destination()}
            loss="Its credentials are forgotten. The data in it stays."
          />
        )}
      </Show>
    </>
  )
}

function NoDestination() {
  return (
    <div class="card">
      <EmptyState
        title="No destination yet"
        text="A destination is where records land: a Postgres database, or a folder for a start."
        action={
          <LinkButton kind="primary" off={notAllowed('admin')} href="/destinations?new=1">
            New destination
          </LinkButton>
        }
        command="derrick apply -f derrick.yaml"
      />
    </div>
  )
}

const valueText = (value: unknown): string => {
  const hint = secretHint(value)
  if (hint) return hint.set ? `stored ${hint.hint ?? ''}` : 'not set'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function DestinationCard(props: { destination: Destination }) {
  const users = () => usedBy('destination', props.destination.id)
  return (
    <section class="card card-body stack">
      <div class="row">
        <h2>{props.destination.name}</h2>
        <Badge title="type">{words(props.destination.type)}</Badge>
      </div>
      <dl class="facts small">
        <For each={Object.entries(props.destination.config)}>
          {([name, value]) => (
            <>
              <dt>{words(name)}</dt>
              <dd>
                <code>{valueText(value)}</code>
              </dd>
            </>
          )}
        </For>
        <dt>Used by</dt>
        <dd>{users().length > 0 ? users().join(', ') : 'no connection'}</dd>
      </dl>
      <SideActions side="destination" thing={props.destination} />
    </section>
  )
}
