import { createMemo, createSignal, For, onCleanup, Show } from 'solid-js'
import { calendarLetters } from '../../schema/range.ts'
import type { Stream } from '../../schema/stream.ts'
import { count, rangeText } from '../format.ts'
import { type Problem, problemOf } from '../problem.ts'
import { WindowActions } from '../range/window-actions.tsx'
import { letterMeanings } from '../state.ts'
import { calendarOf, loadCalendar, patches } from '../store/calendars.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { Loading } from '../ui/loading.tsx'
import type { Layout } from './layout.ts'
import type { CalendarModel } from './model.ts'
import { createPicker, type Selection } from './picker.ts'
import { readoutOf } from './readout.ts'
import { CalendarSurface } from './surface.ts'

/** The calendar of a stream: every range a cell, live. */
export function CalendarView(props: { stream: Stream }) {
  const [problem, setProblem] = createSignal<Problem>()
  const model = () => calendarOf(props.stream.id)
  const load = () => {
    setProblem(undefined)
    loadCalendar(props.stream.id).catch((error) => setProblem(problemOf(error)))
  }
  if (!model()) load()
  return (
    <div class="calendar">
      <Show
        when={model()}
        keyed
        fallback={
          <Show when={problem()} fallback={<Loading what="the calendar" />}>
            {(found) => (
              <ErrorState title="The calendar can’t be shown" problem={found()} retry={load} />
            )}
          </Show>
        }
      >
        {(found) => (
          <Show
            when={found.length > 0 && found.granularity !== 'full'}
            fallback={<NoGrid model={found} />}
          >
            <Legend model={found} />
            <Grid model={found} stream={props.stream} />
          </Show>
        )}
      </Show>
    </div>
  )
}

function NoGrid(props: { model: CalendarModel }) {
  return (
    <p class="muted small">
      <Show
        when={props.model.granularity === 'full'}
        fallback="No range yet: the first sync makes them."
      >
        This stream has no date filter: it is read whole, so it has no calendar.
      </Show>
    </p>
  )
}

function Legend(props: { model: CalendarModel }) {
  const entries = createMemo(() => {
    patches()
    return calendarLetters.map((letter) => ({
      letter,
      ...letterMeanings[letter],
      count: props.model.count(letter),
    }))
  })
  return (
    <ul class="legend" aria-label="Legend">
      <For each={entries()}>
        {(entry) => (
          <li classList={{ none: entry.count === 0 }}>
            <span class={`cell cell-${entry.letter}`} aria-hidden="true">
              {entry.letter === 'f' ? '✕' : entry.letter === 'r' ? '▸' : ''}
            </span>
            {entry.label} <span class="num quiet">{count(entry.count)}</span>
          </li>
        )}
      </For>
    </ul>
  )
}

function Grid(props: { model: CalendarModel; stream: Stream }) {
  const { model } = props
  const [layout, setLayout] = createSignal<Layout>()
  const picker = createPicker(model, props.stream, layout)
  const readout = readoutOf(model, picker.shown)
  let end = () => {}
  // The parent's width is known once the element is in the page.
  const attach = (canvas: HTMLCanvasElement) =>
    queueMicrotask(() => {
      const surface = new CalendarSurface(canvas, model, setLayout)
      end = () => surface.end()
    })
  onCleanup(() => end())
  return (
    <>
      <div
        class="grid"
        role="application"
        aria-label={`Range calendar of ${props.stream.name}. Arrow keys move, n goes to the next failure, Enter opens a range, Shift selects.`}
        tabindex={0}
        onKeyDown={picker.onKeyDown}
      >
        <canvas
          ref={attach}
          onPointerMove={picker.onPointerMove}
          onPointerLeave={picker.onPointerLeave}
          onClick={picker.onClick}
        />
        <Show when={layout()}>
          {(current) => (
            <>
              <Show when={picker.selection()}>
                {(picked) => <SelectionMarks layout={current()} selection={picked()} />}
              </Show>
              <Mark layout={current()} index={picker.cursor()} kind="cursor" />
              <Mark layout={current()} index={picker.hover()} kind="hover" />
            </>
          )}
        </Show>
      </div>
      <p class="readout small" aria-live="polite">
        <Show when={readout()} fallback={<span class="muted">{hint(model)}</span>}>
          {(text) => (
            <>
              <strong>{text().when}</strong> {text().what}
            </>
          )}
        </Show>
      </p>
      <Show when={picker.selection()}>
        {(picked) => (
          <WindowActions
            stream={props.stream}
            from={model.starts[Math.min(picked().from, picked().to)] as number}
            to={model.end(Math.max(picked().from, picked().to))}
            text={windowText(model, picked())}
            onClose={picker.clear}
          />
        )}
      </Show>
    </>
  )
}

const hint = (model: CalendarModel): string =>
  `${count(model.length)} ranges, times in ${model.zone}. Point at a cell for details, click to open it, Shift-click to select a window.`

function windowText(model: CalendarModel, selection: Selection): string {
  const [from, to] = [
    Math.min(selection.from, selection.to),
    Math.max(selection.from, selection.to),
  ]
  const hourly = model.granularity === 'hour'
  const text = (index: number) =>
    rangeText((model.starts[index] as number) * 1_000, model.end(index) * 1_000, hourly, model.zone)
  return `${text(from)} to ${text(to)}, ${count(to - from + 1)} ranges`
}

function Mark(props: { layout: Layout; index: number; kind: 'cursor' | 'hover' }) {
  const style = () => {
    const { x, y } = props.layout.position(props.index)
    const side = props.layout.cell + 4
    return {
      transform: `translate(${x - 2}px, ${y - 2}px)`,
      width: `${side}px`,
      height: `${side}px`,
    }
  }
  return (
    <Show when={props.index >= 0}>
      <div class={`cell-mark cell-mark-${props.kind}`} style={style()} />
    </Show>
  )
}

/** Marks drawn for a selection; a larger one shows only its ends. */
const maxMarks = 1_500

function SelectionMarks(props: { layout: Layout; selection: Selection }) {
  const indexes = () => {
    const from = Math.min(props.selection.from, props.selection.to)
    const to = Math.max(props.selection.from, props.selection.to)
    if (to - from > maxMarks) return [from, to]
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  }
  return (
    <For each={indexes()}>
      {(index) => <Mark layout={props.layout} index={index} kind="cursor" />}
    </For>
  )
}
