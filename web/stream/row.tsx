import { createMemo, Show } from 'solid-js'
import type { Stream } from '../../schema/stream.ts'
import { CalendarView } from '../calendar/view.tsx'
import { cronText } from '../cron.ts'
import { ago, count, moment, words } from '../format.ts'
import { isActive, streamShown } from '../state.ts'
import { cancelRun, retryFailed, syncStream } from '../store/actions.ts'
import { calendarOf, patches } from '../store/calendars.ts'
import { notAllowed } from '../store/role.ts'
import { now, world } from '../store/store.ts'
import { runOf } from '../store/world.ts'
import { Badge } from '../ui/badge.tsx'
import { Button, LinkButton } from '../ui/button.tsx'
import { FailureNote } from '../ui/error-state.tsx'
import { Status } from '../ui/status.tsx'
import {
  coverageText,
  etaText,
  lastText,
  progressText,
  rangeCounts,
  recordsText,
  speedText,
} from './facts.ts'
import { nextRun } from './next-run.ts'
import { Strip } from './strip.tsx'

interface RowProps {
  stream: Stream
  open: boolean
  onToggle: () => void
}

/** One stream on the overview: how fresh and complete it is, what it does now, and what to do. */
export function StreamRow(props: RowProps) {
  const failure = () => world.failures[props.stream.id]
  return (
    <li class="stream" classList={{ open: props.open }}>
      <div class="stream-line">
        <Name {...props} />
        <Progress stream={props.stream} />
        <Speed stream={props.stream} />
        <Times stream={props.stream} />
        <Actions stream={props.stream} />
      </div>
      <Show when={props.stream.ranges.failed > 0 && failure()}>
        {(found) => (
          <FailureNote
            failure={found().failure}
            actions={
              <>
                <Show when={found().range_id}>
                  {(id) => (
                    <LinkButton small href={`/?open=${props.stream.id}&range=${id()}`}>
                      Show the range
                    </LinkButton>
                  )}
                </Show>
                <Button
                  small
                  off={notAllowed('operator')}
                  onClick={() => retryFailed(props.stream)}
                >
                  Retry {count(props.stream.ranges.failed)} failed
                </Button>
              </>
            }
          />
        )}
      </Show>
      <Show when={props.open}>
        <CalendarView stream={props.stream} />
      </Show>
    </li>
  )
}

const useRun = (stream: () => Stream) => createMemo(() => runOf(world, stream()))

function Name(props: RowProps) {
  const run = useRun(() => props.stream)
  const shown = () => streamShown(props.stream, run())
  const waiting = () =>
    run()?.waiting_for ?? (isActive(run()) ? world.progress[props.stream.id]?.waiting : undefined)
  return (
    <div class="stream-name">
      <button
        type="button"
        class="disclose"
        aria-expanded={props.open}
        onClick={props.onToggle}
        title={props.open ? 'Hide the calendar' : 'Show the calendar'}
      >
        <span class="chevron" aria-hidden="true">
          ▸
        </span>
        <strong>{props.stream.name}</strong>
      </button>
      <div class="row stream-badges">
        <Status {...shown()} />
        <Show
          when={props.stream.window}
          fallback={<Badge title="this API has no date filter for it">read whole</Badge>}
        >
          <Badge title="order in which ranges are read">{words(props.stream.sync_strategy)}</Badge>
          <Badge title="size of a range">by {props.stream.sync_granularity}</Badge>
        </Show>
        <Show when={!props.stream.enabled}>
          <Badge tone="warn">disabled</Badge>
        </Show>
      </div>
      <Show when={waiting()}>
        <p class="quiet">waiting: {waiting()}</p>
      </Show>
    </div>
  )
}

function Progress(props: { stream: Stream }) {
  const model = () => calendarOf(props.stream.id)
  const counts = createMemo(() => {
    patches()
    return rangeCounts(props.stream, model())
  })
  const coverage = createMemo(() => {
    patches()
    return coverageText(props.stream, model())
  })
  return (
    <div class="stream-progress">
      <Strip model={model()} label={`Progress: ${progressText(counts())}`} />
      <div class="row row-between small">
        <span class="num">{progressText(counts())}</span>
        <Show when={counts().failed > 0}>
          <Status state="failed" label={`${count(counts().failed)} failed`} />
        </Show>
      </div>
      <Show when={coverage()}>
        <p class="quiet" title="what is in the destination without a gap">
          complete {coverage()}
        </p>
      </Show>
    </div>
  )
}

function Speed(props: { stream: Stream }) {
  const progress = () => world.progress[props.stream.id]
  const eta = () => etaText(world.pace[props.stream.id], progress(), now())
  return (
    <div class="stream-speed">
      <div class="figure num">{recordsText(props.stream)}</div>
      <div class="quiet">records</div>
      <Show when={speedText(progress())}>{(text) => <div class="small num">{text()}</div>}</Show>
      <Show when={eta()}>
        {(text) => (
          <div class="small num" title="from the pace of the last ranges">
            {text()} left
          </div>
        )}
      </Show>
    </div>
  )
}

function Times(props: { stream: Stream }) {
  const run = useRun(() => props.stream)
  const next = () => {
    const { schedule, schedule_timezone, enabled, next_run_at } = props.stream
    // The server's word, until it has come true; it is told anew when the run ends.
    const told = next_run_at === null ? 0 : Date.parse(next_run_at)
    if (told > now()) return told
    return schedule && enabled ? nextRun(schedule, schedule_timezone, now()) : undefined
  }
  const plan = () => {
    const { schedule, schedule_timezone } = props.stream
    return schedule ? `${cronText(schedule)} (${schedule_timezone})` : 'manual'
  }
  return (
    <dl class="stream-times small">
      <dt>Last</dt>
      <dd title={run()?.finished_at ? moment(run()?.finished_at as string) : ''}>
        {lastText(run(), now())}
      </dd>
      <dt>Next</dt>
      <dd>
        <Show when={next()} fallback={plan()}>
          {(at) => (
            <span title={plan()}>
              {ago(at(), now())} <span class="quiet">{moment(at()).slice(-5)} UTC</span>
            </span>
          )}
        </Show>
      </dd>
    </dl>
  )
}

function Actions(props: { stream: Stream }) {
  const run = useRun(() => props.stream)
  const active = () => {
    const found = run()
    return found && isActive(found) ? found : undefined
  }
  return (
    <div class="stream-actions">
      <Show
        when={active()}
        fallback={
          <Button
            small
            off={
              notAllowed('operator') ??
              (props.stream.enabled ? undefined : 'The stream is disabled.')
            }
            onClick={() => syncStream(props.stream)}
          >
            Sync now
          </Button>
        }
      >
        {(found) => (
          <Button
            small
            off={notAllowed('operator')}
            busy={found().cancelling}
            onClick={() => cancelRun(found())}
          >
            {found().cancelling ? 'Cancelling…' : 'Cancel'}
          </Button>
        )}
      </Show>
    </div>
  )
}
