import { For, Show } from 'solid-js'
import type { Connection } from '../../schema/connection.ts'
import type { Stream } from '../../schema/stream.ts'
import { ConnectionForm } from '../connection/form.tsx'
import { StreamForm } from '../connection/stream-form.tsx'
import { cronText } from '../cron.ts'
import { count, words } from '../format.ts'
import { removeThing, setEnabled } from '../store/actions.ts'
import { notAllowed } from '../store/role.ts'
import { change, world } from '../store/store.ts'
import { LinkButton } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { useUrl } from '../url.ts'

/** Connections with their streams' settings; how they do is on the overview. */
export function Connections() {
  const url = useUrl()
  const all = () => Object.values(world.connections).sort((a, b) => a.name.localeCompare(b.name))
  const close = () =>
    url.set({ new: undefined, add: undefined, source: undefined, destination: undefined })
  return (
    <>
      <div class="page-head">
        <h1>Connections</h1>
        <LinkButton kind="primary" off={notAllowed('admin')} href="/connections?new=1">
          New connection
        </LinkButton>
      </div>
      <Show when={all().length > 0} fallback={<NoConnection />}>
        <div class="stack">
          <For each={all()}>{(connection) => <ConnectionCard connection={connection} />}</For>
        </div>
      </Show>
      <Show when={url.get('new') || world.connections[url.get('add') ?? '']}>
        <ConnectionForm connection={world.connections[url.get('add') ?? '']} onClose={close} />
      </Show>
      <Show when={world.streams[url.get('edit') ?? '']} keyed>
        {(stream) => <StreamForm stream={stream} onClose={() => url.set({ edit: undefined })} />}
      </Show>
      <Show when={world.connections[url.get('delete') ?? '']}>
        {(connection) => <DeleteConnection connection={connection()} />}
      </Show>
      <Show when={world.streams[url.get('delete') ?? '']}>
        {(stream) => <DeleteStream stream={stream()} />}
      </Show>
    </>
  )
}

function NoConnection() {
  return (
    <div class="card">
      <EmptyState
        title="No connection yet"
        text="A connection takes the streams of one source into one destination."
        action={
          <LinkButton kind="primary" off={notAllowed('admin')} href="/connections?new=1">
            New connection
          </LinkButton>
        }
        command="derrick apply -f derrick.yaml"
      />
    </div>
  )
}

function ConnectionCard(props: { connection: Connection }) {
  const streams = () =>
    Object.values(world.streams)
      .filter((stream) => stream.connection_id === props.connection.id)
      .sort((a, b) => a.name.localeCompare(b.name))
  return (
    <section class="card">
      <header class="card-head">
        <h2>{props.connection.name}</h2>
        <span class="muted small">
          {world.sources[props.connection.source_id]?.name ?? '?'} →{' '}
          {world.destinations[props.connection.destination_id]?.name ?? '?'} · namespace{' '}
          <code>{props.connection.namespace}</code>
          <Show when={props.connection.stream_prefix}>
            {' '}
            · prefix <code>{props.connection.stream_prefix}</code>
          </Show>
        </span>
        <span class="spacer" />
        <LinkButton
          small
          off={notAllowed('admin')}
          href={`/connections?add=${props.connection.id}`}
        >
          Add streams
        </LinkButton>
        <LinkButton
          small
          kind="ghost"
          off={notAllowed('admin')}
          href={`/connections?delete=${props.connection.id}`}
        >
          Delete
        </LinkButton>
      </header>
      <Show when={streams().length > 0} fallback={<p class="card-body muted">No stream yet.</p>}>
        <div class="table-scroll">
          <table class="stacking">
            <thead>
              <tr>
                <th>Stream</th>
                <th>Order</th>
                <th>Range</th>
                <th>Schedule</th>
                <th>Key</th>
                <th class="right">Records</th>
                <th>Enabled</th>
                <th />
              </tr>
            </thead>
            <tbody>
              <For each={streams()}>{(stream) => <StreamLine stream={stream} />}</For>
            </tbody>
          </table>
        </div>
      </Show>
    </section>
  )
}

function StreamLine(props: { stream: Stream }) {
  const stream = () => props.stream
  return (
    <tr>
      <td data-label="Stream">
        <a href={`/?open=${stream().id}`}>{stream().name}</a>
      </td>
      <td data-label="Order">{stream().window ? words(stream().sync_strategy) : 'read whole'}</td>
      <td data-label="Range">{stream().window ? stream().sync_granularity : '–'}</td>
      <td data-label="Schedule">
        {stream().schedule ? cronText(stream().schedule as string) : 'only by hand'}
      </td>
      <td data-label="Key">
        <code>{stream().primary_key.join(', ') || 'none'}</code>
      </td>
      <td data-label="Records" class="num right">
        {count(stream().records)}
      </td>
      <td data-label="Enabled">
        <input
          type="checkbox"
          aria-label={`${stream().name} is enabled`}
          title={stream().enabled ? 'Disabling cancels its running sync.' : ''}
          checked={stream().enabled}
          disabled={notAllowed('operator') !== undefined}
          onChange={(event) => setEnabled(stream(), event.currentTarget.checked)}
        />
      </td>
      <td class="right">
        <span class="row row-end">
          <LinkButton small off={notAllowed('admin')} href={`/connections?edit=${stream().id}`}>
            Edit
          </LinkButton>
          <LinkButton
            small
            kind="ghost"
            off={notAllowed('admin')}
            href={`/connections?delete=${stream().id}`}
          >
            Delete
          </LinkButton>
        </span>
      </td>
    </tr>
  )
}

function DeleteConnection(props: { connection: Connection }) {
  const url = useUrl()
  const id = props.connection.id
  const streams = Object.values(world.streams).filter((stream) => stream.connection_id === id)
  const run = async () => {
    await removeThing('connections', id)
    change((draft) => {
      for (const stream of streams) delete draft.streams[stream.id]
    })
  }
  return (
    <Confirm
      title={`Delete connection ${props.connection.name}?`}
      verb="Delete"
      run={run}
      onClose={() => url.set({ delete: undefined })}
    >
      <p>
        Its {count(streams.length)} streams and their history are forgotten and a running sync is
        cancelled. <strong>The data in the destination stays.</strong>
      </p>
    </Confirm>
  )
}

function DeleteStream(props: { stream: Stream }) {
  const url = useUrl()
  return (
    <Confirm
      title={`Delete stream ${props.stream.name}?`}
      verb="Delete"
      run={() => removeThing('streams', props.stream.id)}
      onClose={() => url.set({ delete: undefined })}
    >
      <p>
        Its {count(props.stream.ranges.total)} ranges and runs are forgotten and a running sync is
        cancelled.{' '}
        <strong>Its {count(props.stream.records)} records in the destination stay.</strong>
      </p>
    </Confirm>
  )
}
