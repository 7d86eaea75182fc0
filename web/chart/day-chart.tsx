import { createEffect, createMemo, For, on, onCleanup, Show } from 'solid-js'
import { api } from '../api.ts'
import { count, moment, short } from '../format.ts'
import { createLoad } from '../load.ts'
import { isActive } from '../state.ts'
import { epoch, now, onEvent } from '../store/store.ts'
import { type Bar, barsOf, type HourStats } from './hours.ts'

interface Stats {
  hours: HourStats[]
}

/** Runs end in bursts: figures are read again this long after the first of them. */
const settleMs = 2_000
const minuteMs = 60_000
const [step, barWidth, tall] = [10, 8, 40]

/** Records of the last 24 hours, hour by hour; hours in which a sync failed are marked. */
export function DayChart() {
  const stats = createLoad(epoch, () => api.get<Stats>('/stats'))
  let timer: ReturnType<typeof setTimeout> | undefined
  onCleanup(() => clearTimeout(timer))
  onCleanup(
    onEvent((event) => {
      if (event.topic !== 'run' || isActive(event.data)) return
      timer ??= setTimeout(() => {
        timer = undefined
        stats.again()
      }, settleMs)
    }),
  )
  const minute = createMemo(() => Math.floor(now() / minuteMs))
  // An hour later the oldest bar is gone, also where nothing runs.
  createEffect(on(minute, () => stats.again(), { defer: true }))
  const bars = createMemo(() => barsOf(stats.data()?.hours ?? [], minute() * minuteMs))
  const sum = (of: (bar: Bar) => number): number =>
    bars().reduce((total, bar) => total + of(bar), 0)
  const text = () => {
    const failed = sum((bar) => bar.failed)
    const runs = sum((bar) => bar.runs)
    return `${count(sum((bar) => bar.records))} records in ${count(runs)} ${runs === 1 ? 'sync' : 'syncs'}${failed > 0 ? `, ${count(failed)} failed` : ''}`
  }
  return (
    <Show when={sum((bar) => bar.runs) > 0}>
      <section class="card day-chart" aria-label="The last 24 hours">
        <div>
          <strong>Last 24 hours</strong>
          <p class="muted small">{text()}</p>
        </div>
        <svg viewBox={`0 0 ${24 * step} ${tall + 4}`} role="img" aria-label={text()}>
          <For each={bars()}>{(bar, i) => <BarShape bar={bar} x={i() * step} />}</For>
        </svg>
      </section>
    </Show>
  )
}

function BarShape(props: { bar: Bar; x: number }) {
  const height = () => Math.round(props.bar.height * tall)
  return (
    <g>
      <title>{barText(props.bar)}</title>
      <rect class="ground" x={props.x} y="0" width={barWidth} height={tall} />
      <rect class="filled" x={props.x} y={tall - height()} width={barWidth} height={height()} />
      <Show when={props.bar.failed > 0}>
        <rect class="failed" x={props.x} y={tall + 1} width={barWidth} height="3" />
      </Show>
    </g>
  )
}

function barText({ at, records, runs, failed }: Bar): string {
  const bad = failed > 0 ? `, ${failed} failed` : ''
  return `${moment(at)} UTC: ${short(records)} records, ${runs} ${runs === 1 ? 'sync' : 'syncs'}${bad}`
}
