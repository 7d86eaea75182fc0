import { useNavigate } from '@solidjs/router'
import { createSignal, For, Show } from 'solid-js'
import type { CheckResult } from '../../schema/destination.ts'
import type { Source } from '../../schema/source.ts'
import { api, listWhole } from '../api.ts'
import { createLoad } from '../load.ts'
import { problemOf } from '../problem.ts'
import { safeNext } from '../search.ts'
import type { Connector } from '../source/connector.ts'
import { ConnectorDrawer } from '../source/connector-drawer.tsx'
import { ConnectorList } from '../source/connector-list.tsx'
import { SourceForm } from '../source/form.tsx'
import { removeThing } from '../store/actions.ts'
import { notAllowed } from '../store/role.ts'
import { world } from '../store/store.ts'
import { Badge } from '../ui/badge.tsx'
import { Button, LinkButton } from '../ui/button.tsx'
import { CheckSteps } from '../ui/check-steps.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState, FailureNote } from '../ui/error-state.tsx'
import { Status } from '../ui/status.tsx'
import { toastProblem } from '../ui/toast.ts'
import { useUrl } from '../url.ts'

/** Every source: which API, whether it answers, who uses it. */
export function Sources() {
  const url = useUrl()
  const navigate = useNavigate()
  const connectors = createLoad(
    () => 'connectors',
    () => listWhole<Connector>('/connectors'),
  )
  const sources = () => Object.values(world.sources).sort((a, b) => a.name.localeCompare(b.name))
  const known = () => connectors.data()?.filter((connector) => connector.ok)
  const shown = () => known()?.find((connector) => connector.id === url.get('connector'))
  const close = () => url.set({ new: undefined, edit: undefined, next: undefined })
  const saved = (source: Source) => {
    const next = url.get('next')
    if (!next) return close()
    const target = safeNext(next)
    navigate(`${target}${target.includes('?') ? '&' : '?'}source=${source.id}`)
  }
  return (
    <>
      <div class="page-head">
        <h1>Sources</h1>
        <LinkButton kind="primary" off={notAllowed('admin')} href="/sources?new=1">
          New source
        </LinkButton>
      </div>
      <Show when={connectors.problem()}>
        {(problem) => (
          <ErrorState
            title="Connectors can’t be shown"
            problem={problem()}
            retry={connectors.again}
          />
        )}
      </Show>
      <Show when={sources().length > 0} fallback={<NoSource />}>
        <div class="cards">
          <For each={sources()}>{(source) => <SourceCard source={source} />}</For>
        </div>
      </Show>
      <Show when={connectors.data()}>{(all) => <ConnectorList connectors={all()} />}</Show>
      <Show when={shown()}>
        {(connector) => (
          <ConnectorDrawer
            connector={connector()}
            onClose={() => url.set({ connector: undefined })}
          />
        )}
      </Show>
      <Show when={known() && (url.get('new') || world.sources[url.get('edit') ?? ''])}>
        <SourceForm
          connectors={known() ?? []}
          source={world.sources[url.get('edit') ?? '']}
          connector={url.get('new')}
          onClose={close}
          onSaved={saved}
        />
      </Show>
      <Show when={world.sources[url.get('delete') ?? '']}>
        {(source) => <DeleteSource source={source()} />}
      </Show>
    </>
  )
}

function NoSource() {
  return (
    <div class="card">
      <EmptyState
        title="No source yet"
        text="A source is an API with credentials: the side that Derrick reads."
        action={
          <LinkButton kind="primary" off={notAllowed('admin')} href="/sources?new=1">
            New source
          </LinkButton>
        }
        command="derrick connector list"
      />
    </div>
  )
}

const usedBy = (id: string): string[] =>
  Object.values(world.connections)
    .filter((connection) => connection.source_id === id)
    .map((connection) => connection.name)

function SourceCard(props: { source: Source }) {
  const [busy, setBusy] = createSignal(false)
  const [checked, setChecked] = createSignal<CheckResult>()
  const check = async () => {
    setBusy(true)
    try {
      setChecked(await api.post<CheckResult>(`/sources/${props.source.id}/check`))
    } catch (error) {
      toastProblem(`${props.source.name} was not checked`, problemOf(error))
    }
    setBusy(false)
  }
  const users = () => usedBy(props.source.id)
  return (
    <section class="card card-body stack">
      <div class="row row-between">
        <div class="row">
          <h2>{props.source.name}</h2>
          <Badge title="connector">{props.source.connector}</Badge>
        </div>
        <Status
          state={props.source.state === 'active' ? 'complete' : 'failed'}
          label={props.source.state}
        />
      </div>
      <Show when={props.source.state_reason}>{(reason) => <FailureNote failure={reason()} />}</Show>
      <dl class="facts small">
        <dt>Start date</dt>
        <dd>{props.source.start_date ?? '30 days before its creation'}</dd>
        <dt>Time zone</dt>
        <dd>{props.source.timezone}</dd>
        <dt>Used by</dt>
        <dd>{users().length > 0 ? users().join(', ') : 'no connection'}</dd>
      </dl>
      <Show when={checked()}>{(result) => <CheckSteps result={result()} />}</Show>
      <div class="row">
        <Button small off={notAllowed('operator')} busy={busy()} onClick={check}>
          Check
        </Button>
        <LinkButton small off={notAllowed('admin')} href={`/sources?edit=${props.source.id}`}>
          Edit
        </LinkButton>
        <LinkButton
          small
          kind="ghost"
          off={notAllowed('admin')}
          href={`/sources?delete=${props.source.id}`}
        >
          Delete
        </LinkButton>
      </div>
    </section>
  )
}

function DeleteSource(props: { source: Source }) {
  const url = useUrl()
  const users = usedBy(props.source.id)
  return (
    <Confirm
      title={`Delete source ${props.source.name}?`}
      verb="Delete"
      off={users.length > 0 ? 'It is in use.' : undefined}
      run={() => removeThing('sources', props.source.id)}
      onClose={() => url.set({ delete: undefined })}
    >
      <Show
        when={users.length > 0}
        fallback={<p>Its credentials are forgotten. No data is deleted anywhere.</p>}
      >
        <p>
          It is used by <strong>{users.join(', ')}</strong>. Delete{' '}
          {users.length === 1 ? 'that connection' : 'those connections'} first; their data stays.
        </p>
      </Show>
    </Confirm>
  )
}
