import { createEffect, createMemo, For, Show, untrack } from 'solid-js'
import type { Connection } from '../../schema/connection.ts'
import type { Stream } from '../../schema/stream.ts'
import { DayChart } from '../chart/day-chart.tsx'
import { RangeDrawer } from '../range/drawer.tsx'
import { stateGlyphs } from '../state.ts'
import { syncStream } from '../store/actions.ts'
import { calendarOf, loadCalendar } from '../store/calendars.ts'
import { notAllowed } from '../store/role.ts'
import { world } from '../store/store.ts'
import { runOf } from '../store/world.ts'
import { filterOf, openedFirst, type StateFilter, stateFilters } from '../stream/facts.ts'
import { StreamRow } from '../stream/row.tsx'
import { Button, LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { useUrl } from '../url.ts'

/** Calendars loaded without being asked for, for the progress strips; others load when opened. */
const maxStrips = 30

const labels: Record<StateFilter, string> = {
  failed: 'failing',
  running: 'syncing',
  pending: 'due',
  complete: 'up to date',
}

/** What everybody looks at first: how fresh and how complete each stream is. */
export function Overview() {
  const url = useUrl()
  const streams = createMemo(() =>
    Object.values(world.streams).sort((a, b) => a.name.localeCompare(b.name)),
  )
  const connections = createMemo(() =>
    Object.values(world.connections).sort((a, b) => a.name.localeCompare(b.name)),
  )
  const filter = () => stateFilters.find((name) => name === url.get('state'))
  const shown = (connection: Connection) =>
    streams().filter(
      (stream) =>
        stream.connection_id === connection.id &&
        (!filter() || filterOf(stream, runOf(world, stream)) === filter()),
    )
  // Decided once: a calendar must not open or close by itself while somebody looks.
  const standard = untrack(() => openedFirst(streams()))
  createEffect(() => {
    for (const stream of streams().slice(0, maxStrips)) {
      if (!calendarOf(stream.id)) loadCalendar(stream.id).catch(() => {}) // the row works without
    }
  })
  return (
    <>
      <div class="page-head">
        <h1>Overview</h1>
        <Filters streams={streams()} current={filter()} />
      </div>
      <Show when={connections().length > 0} fallback={<FirstSteps />}>
        <div class="stack">
          <DayChart />
          <For each={connections()}>
            {(connection) => (
              <Show when={!filter() || shown(connection).length > 0}>
                <ConnectionCard
                  connection={connection}
                  streams={shown(connection)}
                  standard={standard}
                />
              </Show>
            )}
          </For>
        </div>
      </Show>
      <Show when={url.get('range')}>
        {(id) => <RangeDrawer id={id()} onClose={() => url.set({ range: undefined })} />}
      </Show>
    </>
  )
}

function Filters(props: { streams: Stream[]; current: StateFilter | undefined }) {
  const url = useUrl()
  const counts = createMemo(() => {
    const sums: Record<StateFilter, number> = { failed: 0, running: 0, pending: 0, complete: 0 }
    for (const stream of props.streams) sums[filterOf(stream, runOf(world, stream))] += 1
    return sums
  })
  return (
    <nav class="chips" aria-label="Filter streams by state">
      <For each={stateFilters}>
        {(name) => (
          <a
            class="chip"
            classList={{ on: props.current === name }}
            href={url.href({ state: props.current === name ? undefined : name })}
            aria-current={props.current === name ? 'true' : undefined}
          >
            <span class={`glyph status-${name}`} aria-hidden="true">
              {stateGlyphs[name]}
            </span>{' '}
            <span class="num">{counts()[name]}</span> {labels[name]}
          </a>
        )}
      </For>
    </nav>
  )
}

interface CardProps {
  connection: Connection
  streams: Stream[]
  /** opened when the address does not say */
  standard: string | undefined
}

function ConnectionCard(props: CardProps) {
  const url = useUrl()
  const opened = () => (url.get('open') ?? props.standard ?? '').split(',').filter(Boolean)
  const toggle = (id: string) => {
    const all = opened()
    const next = all.includes(id) ? all.filter((other) => other !== id) : [...all, id]
    url.set({ open: next.join(',') })
  }
  const source = () => world.sources[props.connection.source_id]
  const destination = () => world.destinations[props.connection.destination_id]
  const syncAll = () => {
    for (const stream of props.streams) if (stream.enabled) void syncStream(stream)
  }
  return (
    <section class="card">
      <header class="card-head">
        <h2>{props.connection.name}</h2>
        <span class="muted small">
          {source()?.name ?? 'source'} → {destination()?.name ?? 'destination'} ·{' '}
          <code>{props.connection.namespace}</code>
        </span>
        <span class="spacer" />
        <Show when={props.streams.length > 1}>
          <Button small off={notAllowed('operator')} onClick={syncAll}>
            Sync all
          </Button>
        </Show>
      </header>
      <Show when={source()?.state === 'paused'}>
        <p class="notice">
          <strong>The source is paused.</strong> {source()?.state_reason?.message}{' '}
          <Show when={source()?.state_reason?.remedy}>
            <strong>What to do:</strong> {source()?.state_reason?.remedy}
          </Show>{' '}
          <a href={`/sources?edit=${source()?.id}`}>Open it</a>
        </p>
      </Show>
      <ul class="streams">
        <For
          each={props.streams}
          fallback={
            <li class="stream muted">
              No stream yet. <a href={`/connections?add=${props.connection.id}`}>Choose streams</a>
            </li>
          }
        >
          {(stream) => (
            <StreamRow
              stream={stream}
              open={opened().includes(stream.id)}
              onToggle={() => toggle(stream.id)}
            />
          )}
        </For>
      </ul>
    </section>
  )
}

function FirstSteps() {
  return (
    <div class="card">
      <EmptyState
        title="Nothing is synced yet"
        text="A connection takes the streams of one source into one destination. It needs a source, a destination and a minute."
        action={
          <LinkButton kind="primary" href="/connections?new=1" off={notAllowed('admin')}>
            Set up a connection
          </LinkButton>
        }
        command="derrick apply -f derrick.yaml"
      />
    </div>
  )
}
