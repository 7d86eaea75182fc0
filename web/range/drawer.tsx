import { createEffect, createSignal, For, on, onCleanup, Show } from 'solid-js'
import type { Range } from '../../schema/range.ts'
import { api } from '../api.ts'
import { count, exact, moment, rangeText, size, span } from '../format.ts'
import { createLoad } from '../load.ts'
import { type Problem, problemOf } from '../problem.ts'
import type { Attempt, Listed } from '../shape.ts'
import { letterMeanings, letterOf } from '../state.ts'
import { actOnRanges, nameOfStream, retryRange } from '../store/actions.ts'
import { notAllowed } from '../store/role.ts'
import { now, onEvent, world } from '../store/store.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Drawer } from '../ui/dialog.tsx'
import { ErrorState, FailureNote } from '../ui/error-state.tsx'
import { Loading } from '../ui/loading.tsx'
import { Status } from '../ui/status.tsx'
import { toast, toastProblem } from '../ui/toast.ts'
import { attemptShown, rangeTitle } from './words.ts'

/** Everything about one range: what is committed, what was tried, what to do. */
export function RangeDrawer(props: { id: string; onClose: () => void }) {
  const range = createLoad(
    () => props.id,
    (id) => api.get<Range>(`/ranges/${id}`),
  )
  const attempts = createLoad(
    () => props.id,
    (id) => api.get<Listed<Attempt>>(`/ranges/${id}/attempts`),
  )
  onCleanup(
    onEvent((event) => {
      if (event.topic === 'resync') range.again()
      if (event.topic === 'range' && event.data.id === props.id) range.set(event.data)
    }),
  )
  // Each change of the range's state begins or ends an attempt.
  createEffect(
    on(
      () => range.data() && `${range.data()?.status} ${range.data()?.attempt}`,
      (_, before) => before && attempts.again(),
    ),
  )
  return (
    <Drawer
      title={
        range.data() ? rangeTitle(range.data() as Range, zoneOf(range.data() as Range)) : 'Range'
      }
      onClose={props.onClose}
    >
      <Show
        when={range.data()}
        fallback={
          <Show when={range.problem()} fallback={<Loading what="the range" />}>
            {(problem) => (
              <ErrorState
                title="The range can’t be shown"
                problem={problem()}
                retry={range.again}
              />
            )}
          </Show>
        }
      >
        {(found) => (
          <div class="stack">
            <Head range={found()} />
            <Show when={found().error}>{(error) => <FailureNote failure={error()} />}</Show>
            <Facts range={found()} />
            <Attempts attempts={attempts.data()?.data} problem={attempts.problem()} />
          </div>
        )}
      </Show>
    </Drawer>
  )
}

function zoneOf(range: Range): string {
  const connection = world.connections[world.streams[range.stream_id]?.connection_id ?? '']
  return world.sources[connection?.source_id ?? '']?.timezone ?? 'UTC'
}

function resyncOff(range: Range): string | undefined {
  if (range.status === 'running') return 'It is being read now.'
  return range.start ? undefined : 'A full read is repeated by syncing the stream.'
}

function Head(props: { range: Range }) {
  const [busy, setBusy] = createSignal(false)
  const meaning = () => letterMeanings[letterOf(props.range)]
  const retry = async () => {
    setBusy(true)
    await retryRange(props.range)
    setBusy(false)
  }
  const resync = async () => {
    const { start, end } = props.range
    if (!start || !end) return
    setBusy(true)
    try {
      await actOnRanges(props.range.stream_id, 'resync', { from: start, to: end }, false)
      toast({
        text: 'The range will be read again; its data stays until the new is whole.',
        good: true,
      })
    } catch (error) {
      toastProblem('The range was not re-synced', problemOf(error))
    }
    setBusy(false)
  }
  return (
    <div class="row row-between">
      <div class="row">
        <Status state={meaning().state} label={meaning().label} />
        <span class="muted small">{nameOfStream(props.range.stream_id)}</span>
      </div>
      <div class="row">
        <Show when={props.range.status === 'failed' || props.range.error}>
          <Button small kind="primary" off={notAllowed('operator')} busy={busy()} onClick={retry}>
            Retry
          </Button>
        </Show>
        <Button
          small
          busy={busy()}
          off={notAllowed('operator') ?? resyncOff(props.range)}
          onClick={resync}
          title="Reads it again; its data stays until the new is whole."
        >
          Resync
        </Button>
      </div>
    </div>
  )
}

function Facts(props: { range: Range }) {
  const range = () => props.range
  return (
    <dl class="facts">
      <Show when={range().start && range().end}>
        <dt>Time</dt>
        <dd>
          {rangeText(
            Date.parse(range().start as string),
            Date.parse(range().end as string),
            true,
            'UTC',
          )}{' '}
          UTC
          <Show when={zoneOf(range()) !== 'UTC'}>
            <span class="quiet"> · the source is in {zoneOf(range())}</span>
          </Show>
        </dd>
      </Show>
      <dt>In the destination</dt>
      <dd>
        <Show when={range().committed_at} fallback="nothing yet">
          {(at) => `${count(range().records)} records, committed ${exact(at())} UTC`}
        </Show>
        <Show when={range().sealed}>
          {' '}
          <Badge title="read after it had ended and settled: final until a resync">sealed</Badge>
        </Show>
      </dd>
      <dt>Read</dt>
      <dd>
        {count(range().pages)} pages, {size(range().bytes)}
      </dd>
      <Show when={range().rejects > 0}>
        <dt>Rejected</dt>
        <dd>{count(range().rejects)} records could not be written</dd>
      </Show>
      <dt>Lane</dt>
      <dd>{range().lane}</dd>
      <dt>Failed tries</dt>
      <dd>
        {range().tries}
        <Show when={range().status === 'failed'}>
          <span class="muted">{nextTry(range())}</span>
        </Show>
      </dd>
      <Show when={range().waiting}>
        <dt>Waiting</dt>
        <dd>{range().waiting}</dd>
      </Show>
    </dl>
  )
}

function nextTry(range: Range): string {
  if (range.due_at) return `, next try ${moment(range.due_at)} UTC`
  return letterOf(range) === 'w'
    ? ', will be tried again at once'
    : ', waits for you: it is not tried again by itself'
}

function Attempts(props: { attempts: Attempt[] | undefined; problem: Problem | undefined }) {
  return (
    <section class="stack">
      <h3>Attempts</h3>
      <Show when={props.problem}>
        {(problem) => <ErrorState title="The attempts can’t be shown" problem={problem()} />}
      </Show>
      <Show when={!props.problem}>
        <div class="table-scroll">
          <table class="stacking">
            <thead>
              <tr>
                <th>Outcome</th>
                <th>Started (UTC)</th>
                <th class="right">Took</th>
                <th class="right">Records</th>
                <th class="right">Pages</th>
              </tr>
            </thead>
            <tbody>
              <For
                each={props.attempts ?? []}
                fallback={
                  <tr>
                    <td colspan={5} class="muted">
                      Not tried yet.
                    </td>
                  </tr>
                }
              >
                {(attempt) => <AttemptRow attempt={attempt} />}
              </For>
            </tbody>
          </table>
        </div>
      </Show>
    </section>
  )
}

function AttemptRow(props: { attempt: Attempt }) {
  const attempt = () => props.attempt
  const took = () =>
    (attempt().finished_at ? Date.parse(attempt().finished_at as string) : now()) -
    Date.parse(attempt().started_at)
  return (
    <>
      <tr>
        <td>
          <Status {...attemptShown(attempt().outcome)} />
        </td>
        <td data-label="Started (UTC)" class="num">
          {exact(attempt().started_at)}
        </td>
        <td data-label="Took" class="num right">
          {span(took())}
        </td>
        <td data-label="Records" class="num right">
          {count(attempt().records)}
        </td>
        <td data-label="Pages" class="num right">
          {count(attempt().pages)}
        </td>
      </tr>
      <Show when={attempt().error}>
        {(error) => (
          <tr>
            <td colspan={5} class="small">
              <Badge>{error().category}</Badge> {error().message}
            </td>
          </tr>
        )}
      </Show>
    </>
  )
}
