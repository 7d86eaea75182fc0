import { createEffect, createMemo, createSignal, For, on, Show } from 'solid-js'
import type { Run } from '../../schema/run.ts'
import { api } from '../api.ts'
import { ago, count, exact, size, span } from '../format.ts'
import { createLoad } from '../load.ts'
import { RunDrawer } from '../run/drawer.tsx'
import { queryOf, runFilters, shownRuns } from '../run/filter.ts'
import type { Listed } from '../shape.ts'
import { isActive, runShown } from '../state.ts'
import { cancelRun, nameOfStream } from '../store/actions.ts'
import { notAllowed } from '../store/role.ts'
import { change, epoch, now, world } from '../store/store.ts'
import { putRun } from '../store/world.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { Loading } from '../ui/loading.tsx'
import { Status } from '../ui/status.tsx'
import { useUrl } from '../url.ts'

const pageSize = 50

/** Every run, newest first, live; filters and the open run are in the address. */
export function Runs() {
  const url = useUrl()
  const filter = () => runFilters.find((entry) => entry.name === url.get('status')) ?? runFilters[0]
  const stream = () => url.get('stream')
  const [older, setOlder] = createSignal<Run[]>([])
  const [cursor, setCursor] = createSignal<string | null>(null)
  const load = (at?: string) => {
    const asked = { ...queryOf(filter()), stream_id: stream() }
    return api.get<Listed<Run>>('/runs', { ...asked, limit: pageSize, cursor: at })
  }
  const first = createLoad(
    () => `${filter().name} ${stream()}`,
    () => load(),
  )
  createEffect(on(epoch, () => first.again(), { defer: true }))
  createEffect(
    on(first.data, (page) => {
      if (!page) return
      setOlder([])
      setCursor(page.next_cursor)
      // Into the store, where live events keep them up to date.
      change((draft) => {
        for (const run of page.data) putRun(draft, run)
      })
    }),
  )
  const more = async () => {
    const page = await load(cursor() ?? undefined)
    setOlder((all) => [...all, ...page.data])
    setCursor(page.next_cursor)
  }
  const rows = createMemo(() =>
    shownRuns(
      Object.values(world.runs),
      [...(first.data()?.data ?? []), ...older()],
      filter(),
      stream(),
    ),
  )
  return (
    <>
      <div class="page-head">
        <h1>Runs</h1>
        <Filters />
      </div>
      <Show when={first.problem()}>
        {(problem) => (
          <ErrorState title="Runs can’t be shown" problem={problem()} retry={first.again} />
        )}
      </Show>
      <div class="card">
        <Show when={rows().length > 0} fallback={<Nothing loading={first.loading()} />}>
          <RunTable rows={rows()} />
        </Show>
      </div>
      <Show when={cursor()}>
        <div class="row center">
          <Button onClick={more}>Show older</Button>
        </div>
      </Show>
      <Show when={url.get('run')}>
        {(id) => <RunDrawer id={id()} onClose={() => url.set({ run: undefined })} />}
      </Show>
    </>
  )
}

function Filters() {
  const url = useUrl()
  return (
    <div class="row">
      <nav class="chips" aria-label="Filter runs by status">
        <For each={runFilters}>
          {(entry) => (
            <a
              class="chip"
              classList={{ on: (url.get('status') ?? 'all') === entry.name }}
              href={url.href({ status: entry.name === 'all' ? undefined : entry.name })}
            >
              {entry.label}
            </a>
          )}
        </For>
      </nav>
      <select
        class="narrow"
        aria-label="Stream"
        value={url.get('stream') ?? ''}
        onChange={(event) => url.set({ stream: event.currentTarget.value || undefined })}
      >
        <option value="">all streams</option>
        <For each={Object.keys(world.streams)}>
          {(id) => (
            <option value={id} selected={id === url.get('stream')}>
              {nameOfStream(id)}
            </option>
          )}
        </For>
      </select>
    </div>
  )
}

function Nothing(props: { loading: boolean }) {
  return (
    <Show when={!props.loading} fallback={<Loading what="runs" />}>
      <EmptyState
        title="No run here"
        text="Runs appear as soon as a stream syncs: by its schedule or by Sync now on the overview."
        command="derrick sync CONNECTION/STREAM"
      />
    </Show>
  )
}

function RunTable(props: { rows: Run[] }) {
  return (
    <div class="table-scroll">
      <table class="stacking">
        <thead>
          <tr>
            <th>Status</th>
            <th>Stream</th>
            <th>Trigger</th>
            <th>Ranges</th>
            <th class="right">Records</th>
            <th class="right">Size</th>
            <th>Started</th>
            <th class="right">Took</th>
            <th />
          </tr>
        </thead>
        <tbody>
          <For each={props.rows}>{(run) => <RunRow run={run} />}</For>
        </tbody>
      </table>
    </div>
  )
}

function RunRow(props: { run: Run }) {
  const url = useUrl()
  const run = () => props.run
  const progress = () => (isActive(run()) ? world.progress[run().stream_id] : undefined)
  const open = () => url.set({ run: run().id }, { push: true })
  const took = () =>
    run().started_at
      ? span(
          (run().finished_at ? Date.parse(run().finished_at as string) : now()) -
            Date.parse(run().started_at as string),
        )
      : '–'
  return (
    <tr class="clickable" onClick={open}>
      <td data-label="Status">
        <Status {...runShown(run())} />
        <Show when={run().waiting_for}>
          {(reason) => <div class="quiet">waiting for {reason()}</div>}
        </Show>
        <Show when={run().error}>{(error) => <div class="quiet clip">{error().message}</div>}</Show>
      </td>
      <td data-label="Stream">
        <a
          href={url.href({ run: run().id })}
          onClick={(event) => {
            event.preventDefault()
            event.stopPropagation()
            open()
          }}
        >
          {nameOfStream(run().stream_id)}
        </a>
      </td>
      <td data-label="Trigger">{run().trigger}</td>
      <td data-label="Ranges" class="num">
        {count(run().ranges.complete)} / {count(run().ranges.total)}
        <Show when={run().ranges.failed > 0}>
          {' '}
          <Status state="failed" label={count(run().ranges.failed)} title="failed ranges" />
        </Show>
      </td>
      <td data-label="Records" class="num right">
        {count(progress()?.records ?? run().records)}
      </td>
      <td data-label="Size" class="num right">
        {size(progress()?.bytes ?? run().bytes)}
      </td>
      <td data-label="Started" class="num" title={`${exact(run().created_at)} UTC`}>
        {ago(Date.parse(run().started_at ?? run().created_at), now())}
      </td>
      <td data-label="Took" class="num right">
        {took()}
      </td>
      <td class="right">
        <Show when={isActive(run())}>
          <Button
            small
            off={notAllowed('operator')}
            busy={run().cancelling}
            onClick={(event) => {
              event.stopPropagation()
              void cancelRun(run())
            }}
          >
            Cancel
          </Button>
        </Show>
      </td>
    </tr>
  )
}
