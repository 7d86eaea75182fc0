import { For, Show } from 'solid-js'
import type { ConfigField } from '../../schema/manifest/config-field.ts'
import { notAllowed } from '../store/role.ts'
import { Badge } from '../ui/badge.tsx'
import { LinkButton } from '../ui/button.tsx'
import { Drawer } from '../ui/dialog.tsx'
import type { Connector } from './connector.ts'
import { IssueList } from './issue-list.tsx'
import { StreamAbilities } from './stream-abilities.tsx'

/** What a connector is, asks for and offers. */
export function ConnectorDrawer(props: { connector: Connector; onClose: () => void }) {
  const fields = () => Object.entries(props.connector.config)
  return (
    <Drawer title={props.connector.name} onClose={props.onClose}>
      <div class="stack">
        <ConnectorAbout connector={props.connector} />
        <div class="row">
          <LinkButton
            kind="primary"
            off={notAllowed('admin')}
            href={`/sources?new=${props.connector.id}`}
          >
            New source
          </LinkButton>
          <a
            class="button plain"
            href={`/api/v1/connectors/${props.connector.id}/manifest`}
            target="_blank"
            rel="noreferrer"
          >
            Its manifest
          </a>
        </div>
        <Show when={props.connector.issues.length > 0}>
          <IssueList issues={props.connector.issues} />
        </Show>
        <section class="stack">
          <h3>Config</h3>
          <Show when={fields().length > 0} fallback={<p class="muted">It needs none.</p>}>
            <dl class="facts">
              <For each={fields()}>
                {([name, field]) => (
                  <>
                    <dt>
                      <code>{name}</code>
                    </dt>
                    <dd>
                      {field.title ?? name} <FieldBadges field={field} />
                      <Show when={field.help}>
                        <p class="small muted">{field.help}</p>
                      </Show>
                    </dd>
                  </>
                )}
              </For>
            </dl>
          </Show>
        </section>
        <section class="stack">
          <h3>Streams</h3>
          <For each={props.connector.streams}>
            {(stream) => <StreamAbilities stream={stream} />}
          </For>
        </section>
      </div>
    </Drawer>
  )
}

function FieldBadges(props: { field: ConfigField }) {
  return (
    <>
      <Show when={props.field.required}>
        <Badge>required</Badge>
      </Show>{' '}
      <Show when={props.field.secret}>
        <Badge>secret</Badge>
      </Show>
    </>
  )
}

/** A connector's own words, and where its API is documented. */
export function ConnectorAbout(props: { connector: Connector }) {
  return (
    <>
      <Show when={props.connector.description}>
        <p class="prose">{props.connector.description}</p>
      </Show>
      <Show when={props.connector.docs}>
        {(docs) => (
          <p class="small">
            <a href={docs()} target="_blank" rel="noreferrer">
              Documentation of this API
            </a>
          </p>
        )}
      </Show>
    </>
  )
}
