import { createEffect, createMemo, createSignal, For, on, onCleanup, Show } from 'solid-js'
import type { Activity } from '../../schema/event.ts'
import { api } from '../api.ts'
import { exact } from '../format.ts'
import { createLoad } from '../load.ts'
import type { LogPage } from '../shape.ts'
import { onEvent } from '../store/store.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { filterLines, type LogLevel, logLevels, maxLines, mergeLines } from './log.ts'

const glyphs: Record<Activity['level'], string> = { info: '·', warn: '!', error: '✕' }
/** Nearer to the end than this counts as being at the end: new lines keep scrolling. */
const followPx = 30

async function readTail(runId: string): Promise<Activity[]> {
  let lines: Activity[] = []
  let cursor: string | undefined
  // The log is read oldest first; only its tail is kept.
  for (let page = 0; page < 20; page++) {
    const answer = await api.get<LogPage>(`/runs/${runId}/log`, { limit: 200, cursor })
    lines = mergeLines(lines, answer.data)
    cursor = answer.next_cursor ?? undefined
    if (!cursor) break
  }
  return lines
}

/** The run's log: its last lines, live, following the end unless one scrolls away from it. */
export function RunLog(props: { runId: string }) {
  const [lines, setLines] = createSignal<Activity[]>([])
  const [level, setLevel] = createSignal<LogLevel>('all')
  const [text, setText] = createSignal('')
  const read = createLoad(() => props.runId, readTail)
  let list!: HTMLOListElement
  let follow = true
  createEffect(on(read.data, (found) => found && setLines((known) => mergeLines(known, found))))
  onCleanup(
    onEvent((event) => {
      if (event.topic === 'resync') read.again()
      if (event.topic !== 'activity' || event.data.run_id !== props.runId) return
      const line = event.data
      setLines((known) => mergeLines(known, [line]))
    }),
  )
  const shown = createMemo(() => filterLines(lines(), level(), text()))
  createEffect(
    on(shown, () => {
      if (follow) list.scrollTop = list.scrollHeight
    }),
  )
  return (
    <section class="stack">
      <div class="row row-between">
        <h3>Log</h3>
        <div class="row">
          <select
            class="narrow"
            aria-label="Level"
            value={level()}
            onChange={(event) => setLevel(event.currentTarget.value as LogLevel)}
          >
            <For each={logLevels}>
              {(name) => <option value={name}>{name === 'all' ? 'all levels' : name}</option>}
            </For>
          </select>
          <input
            class="narrow"
            type="search"
            placeholder="Filter"
            aria-label="Filter the log"
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
      </div>
      <Show when={read.problem()}>
        {(problem) => (
          <ErrorState title="The log can’t be shown" problem={problem()} retry={read.again} />
        )}
      </Show>
      <ol
        class="log"
        ref={list}
        tabindex={0}
        aria-label="Log lines"
        onScroll={() => {
          follow = list.scrollHeight - list.scrollTop - list.clientHeight < followPx
        }}
      >
        <For each={shown()} fallback={<li class="quiet">Nothing yet.</li>}>
          {(line) => (
            <li class={line.level}>
              <time datetime={line.at} title={`${exact(line.at)} UTC`}>
                {line.at.slice(11, 19)}
              </time>
              <span aria-hidden="true">{glyphs[line.level]}</span>
              <span>{line.message}</span>
            </li>
          )}
        </For>
      </ol>
      <Show when={lines().length >= maxLines}>
        <p class="quiet">
          The last {maxLines} lines; all of them by `derrick logs {props.runId}`.
        </p>
      </Show>
    </section>
  )
}
