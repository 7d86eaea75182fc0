import { For, Show } from 'solid-js'
import type { Range } from '../../schema/range.ts'
import type { Run } from '../../schema/run.ts'
import { api } from '../api.ts'
import { count, exact, size, span } from '../format.ts'
import { createLoad } from '../load.ts'
import { rangeTitle } from '../range/words.ts'
import type { Listed } from '../shape.ts'
import { isActive, runShown } from '../state.ts'
import { cancelRun, nameOfStream } from '../store/actions.ts'
import { notAllowed } from '../store/role.ts'
import { change, now, world } from '../store/store.ts'
import { putRun } from '../store/world.ts'
import { Badge } from '../ui/badge.tsx'
import { Button, LinkButton } from '../ui/button.tsx'
import { Drawer } from '../ui/dialog.tsx'
import { ErrorState, FailureNote } from '../ui/error-state.tsx'
import { Loading } from '../ui/loading.tsx'
import { Status } from '../ui/status.tsx'
import { RunLog } from './log.tsx'

/** One run: how it goes or went, what failed and why, its log. */
export function RunDrawer(props: { id: string; onClose: () => void }) {
  const loaded = createLoad(
    () => props.id,
    async (id) => {
      const run = await api.get<Run>(`/runs/${id}`)
      change((draft) => putRun(draft, run))
      return run
    },
  )
  const run = () => world.runs[props.id] ?? loaded.data()
  return (
    <Drawer title={run() ? nameOfStream((run() as Run).stream_id) : 'Run'} onClose={props.onClose}>
      <Show
        when={run()}
        fallback={
          <Show when={loaded.problem()} fallback={<Loading what="the run" />}>
            {(problem) => (
              <ErrorState title="The run can’t be shown" problem={problem()} retry={loaded.again} />
            )}
          </Show>
        }
      >
        {(found) => (
          <div class="stack">
            <Head run={found()} />
            <Show when={found().error}>{(error) => <FailureNote failure={error()} />}</Show>
            <Facts run={found()} />
            <Show when={found().ranges.failed > 0}>
              <FailedRanges run={found()} />
            </Show>
            <RunLog runId={props.id} />
          </div>
        )}
      </Show>
    </Drawer>
  )
}

function Head(props: { run: Run }) {
  return (
    <div class="row row-between">
      <div class="row">
        <Status {...runShown(props.run)} />
        <Badge title="what started it">{props.run.trigger}</Badge>
        <code class="quiet">{props.run.id}</code>
      </div>
      <div class="row">
        <LinkButton small href={`/?open=${props.run.stream_id}`}>
          Calendar
        </LinkButton>
        <Show when={isActive(props.run)}>
          <Button
            small
            off={notAllowed('operator')}
            busy={props.run.cancelling}
            onClick={() => cancelRun(props.run)}
          >
            {props.run.cancelling ? 'Cancelling…' : 'Cancel'}
          </Button>
        </Show>
      </div>
    </div>
  )
}

function Facts(props: { run: Run }) {
  const run = () => props.run
  const progress = () => (isActive(run()) ? world.progress[run().stream_id] : undefined)
  /** Speeds of a run that only waits say nothing. */
  const moving = () => {
    const found = progress()
    return found && found.in_flight > 0 ? found : undefined
  }
  const tookMs = () =>
    (run().finished_at ? Date.parse(run().finished_at as string) : now()) -
    Date.parse(run().started_at ?? run().created_at)
  return (
    <dl class="facts">
      <Show when={run().waiting_for}>
        <dt>Waiting for</dt>
        <dd>{run().waiting_for}</dd>
      </Show>
      <dt>Ranges</dt>
      <dd>
        {count(run().ranges.complete)} of {count(run().ranges.total)} complete
        {run().ranges.failed > 0 ? `, ${count(run().ranges.failed)} failed` : ''}
      </dd>
      <dt>Records</dt>
      <dd>
        {count(progress()?.records ?? run().records)} in {count(progress()?.pages ?? run().pages)}{' '}
        pages, {size(progress()?.bytes ?? run().bytes)}
        <Show when={moving()}>
          {(speed) => (
            <span class="muted">
              {' '}
              · {count(Math.round(speed().records_per_second))} records/s,{' '}
              {size(speed().bytes_per_second)}/s, {speed().in_flight} ranges at once
            </span>
          )}
        </Show>
      </dd>
      <dt>Started</dt>
      <dd>{run().started_at ? `${exact(run().started_at as string)} UTC` : 'not yet'}</dd>
      <Show when={run().finished_at}>
        {(at) => (
          <>
            <dt>Ended</dt>
            <dd>{exact(at())} UTC</dd>
          </>
        )}
      </Show>
      <Show when={run().started_at}>
        <dt>Took</dt>
        <dd>{span(tookMs())}</dd>
      </Show>
    </dl>
  )
}

const failedShown = 20

function FailedRanges(props: { run: Run }) {
  const ranges = createLoad(
    () => `${props.run.id} ${props.run.ranges.failed}`,
    () =>
      api.get<Listed<Range>>(`/runs/${props.run.id}/ranges`, {
        status: 'failed',
        limit: failedShown,
      }),
  )
  return (
    <section class="stack">
      <h3>Failed ranges</h3>
      <Show when={ranges.problem()}>
        {(problem) => <ErrorState title="They can’t be shown" problem={problem()} />}
      </Show>
      <Show when={!ranges.problem()}>
        <ul class="plain-list">
          <For each={ranges.data()?.data ?? []}>
            {(range) => (
              <li>
                <a href={`/?open=${range.stream_id}&range=${range.id}`}>
                  {rangeTitle(range, 'UTC')}
                </a>
                <div class="small muted">
                  {range.error
                    ? `${range.error.category}: ${range.error.message}`
                    : 'no reason known'}
                </div>
              </li>
            )}
          </For>
        </ul>
        <Show when={props.run.ranges.failed > failedShown}>
          <p class="quiet">
            {count(failedShown)} of {count(props.run.ranges.failed)}; the calendar shows all.
          </p>
        </Show>
      </Show>
    </section>
  )
}
