import { useNavigate } from '@solidjs/router'
import { createSignal, For, Show } from 'solid-js'
import type { CheckResult, Destination } from '../../schema/destination.ts'
import { api } from '../api.ts'
import { DestinationForm } from '../destination/form.tsx'
import { secretHint } from '../form/values.ts'
import { words } from '../format.ts'
import { problemOf } from '../problem.ts'
import { safeNext } from '../search.ts'
import { removeThing } from '../store/actions.ts'
import { notAllowed } from '../store/role.ts'
import { world } from '../store/store.ts'
import { Badge } from '../ui/badge.tsx'
import { Button, LinkButton } from '../ui/button.tsx'
import { CheckSteps } from '../ui/check-steps.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { toastProblem } from '../ui/toast.ts'
import { useUrl } from '../url.ts'

/** Every destination: where data lands, whether it can be written, who uses it. */
export function Destinations() {
  const url = useUrl()
  const navigate = useNavigate()
  const all = () => Object.values(world.destinations).sort((a, b) => a.name.localeCompare(b.name))
  const close = () => url.set({ new: undefined, edit: undefined, next: undefined })
  const saved = (destination: Destination) => {
    const next = url.get('next')
    if (!next) return close()
    const target = safeNext(next)
    navigate(`${target}${target.includes('?') ? '&' : '?'}destination=${destination.id}`)
  }
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
        {(destination) => <DeleteDestination destination={destination()} />}
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

const usedBy = (id: string): string[] =>
  Object.values(world.connections)
    .filter((connection) => connection.destination_id === id)
    .map((connection) => connection.name)

const valueText = (value: unknown): string => {
  const hint = secretHint(value)
  if (hint) return hint.set ? `stored ${hint.hint ?? ''}` : 'not set'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function DestinationCard(props: { destination: Destination }) {
  const [busy, setBusy] = createSignal(false)
  const [checked, setChecked] = createSignal<CheckResult>()
  const users = () => usedBy(props.destination.id)
  const check = async () => {
    setBusy(true)
    try {
      setChecked(await api.post<CheckResult>(`/destinations/${props.destination.id}/check`))
    } catch (error) {
      toastProblem(`${props.destination.name} was not checked`, problemOf(error))
    }
    setBusy(false)
  }
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
      <Show when={checked()}>{(result) => <CheckSteps result={result()} />}</Show>
      <div class="row">
        <Button small off={notAllowed('operator')} busy={busy()} onClick={check}>
          Check
        </Button>
        <LinkButton
          small
          off={notAllowed('admin')}
          href={`/destinations?edit=${props.destination.id}`}
        >
          Edit
        </LinkButton>
        <LinkButton
          small
          kind="ghost"
          off={notAllowed('admin')}
          href={`/destinations?delete=${props.destination.id}`}
        >
          Delete
        </LinkButton>
      </div>
    </section>
  )
}

function DeleteDestination(props: { destination: Destination }) {
  const url = useUrl()
  const users = usedBy(props.destination.id)
  return (
    <Confirm
      title={`Delete destination ${props.destination.name}?`}
      verb="Delete"
      off={users.length > 0 ? 'It is in use.' : undefined}
      run={() => removeThing('destinations', props.destination.id)}
      onClose={() => url.set({ delete: undefined })}
    >
      <Show
        when={users.length > 0}
        fallback={<p>Its credentials are forgotten. The data in it stays.</p>}
      >
        <p>
          It is used by <strong>{users.join(', ')}</strong>. Delete{' '}
          {users.length === 1 ? 'that connection' : 'those connections'} first; the data stays.
        </p>
      </Show>
    </Confirm>
  )
}
