import { For, Show } from 'solid-js'
import type { Source } from '../../schema/source.ts'
import { listWhole } from '../api.ts'
import { createLoad } from '../load.ts'
import { SideActions } from '../side/actions.tsx'
import { DeleteSide } from '../side/delete.tsx'
import { useFormUrl } from '../side/form-url.ts'
import { usedBy } from '../side/side.ts'
import type { Connector } from '../source/connector.ts'
import { ConnectorDrawer } from '../source/connector-drawer.tsx'
import { ConnectorList } from '../source/connector-list.tsx'
import { SourceForm } from '../source/form.tsx'
import { SignIn, useSignInAnswer } from '../source/sign-in.tsx'
import { notAllowed } from '../store/role.ts'
import { world } from '../store/store.ts'
import { Badge } from '../ui/badge.tsx'
import { LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState, FailureNote } from '../ui/error-state.tsx'
import { Status } from '../ui/status.tsx'
import { useUrl } from '../url.ts'

/** Every source: which API, whether it answers, who uses it. */
export function Sources() {
  const url = useUrl()
  const connectors = createLoad(
    () => 'connectors',
    () => listWhole<Connector>('/connectors'),
  )
  const sources = () => Object.values(world.sources).sort((a, b) => a.name.localeCompare(b.name))
  const known = () => connectors.data()?.filter((connector) => connector.ok)
  const shown = () => known()?.find((connector) => connector.id === url.get('connector'))
  const { close, saved } = useFormUrl('source')
  useSignInAnswer()
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
          <For each={sources()}>
            {(source) => (
              <SourceCard
                source={source}
                connector={known()?.find(({ id }) => id === source.connector)}
              />
            )}
          </For>
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
        {(source) => (
          <DeleteSide
            side="source"
            thing={source()}
            loss="Its credentials are forgotten. No data is deleted anywhere."
          />
        )}
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

function SourceCard(props: { source: Source; connector: Connector | undefined }) {
  const users = () => usedBy('source', props.source.id)
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
      <Show when={props.connector?.authorize}>
        {(field) => <SignIn source={props.source} field={field()} />}
      </Show>
      <SideActions side="source" thing={props.source} />
    </section>
  )
}
