import { A } from '@solidjs/router'
import { For, Show } from 'solid-js'
import { Badge } from '../ui/badge.tsx'
import type { Connector } from './connector.ts'
import { IssueList } from './issue-list.tsx'

/** Every connector that this server knows; broken ones first, with all that is wrong with them. */
export function ConnectorList(props: { connectors: Connector[] }) {
  const hasErrors = ({ issues }: Connector) => issues.some((issue) => issue.severity === 'error')
  const broken = () => props.connectors.filter(hasErrors)
  return (
    <section class="stack below" aria-labelledby="connectors">
      <div>
        <h2 id="connectors">Connectors</h2>
        <p class="small muted">
          The APIs that can be read. A new one needs no code: put a YAML manifest into the folder
          that <code>DERRICK_MANIFESTS_DIR</code> names, and it is here at once.
        </p>
      </div>
      <For each={broken()}>
        {(connector) => (
          <section class="card card-body stack">
            <div class="row">
              <h3>{connector.name}</h3>
              <Badge tone="warn">{connector.ok ? 'its last good version is used' : 'broken'}</Badge>
            </div>
            <IssueList issues={connector.issues} />
          </section>
        )}
      </For>
      <div class="connectors">
        <For each={props.connectors.filter((connector) => connector.ok)}>
          {(connector) => (
            <A class="card card-body connector" href={`/sources?connector=${connector.id}`}>
              <strong>{connector.name}</strong>
              <span class="small muted">
                {connector.streams.length} {connector.streams.length === 1 ? 'stream' : 'streams'} ·{' '}
                {connector.version}
                <Show when={connector.origin === 'folder'}> · your own</Show>
              </span>
            </A>
          )}
        </For>
      </div>
    </section>
  )
}
