import { For, type JSX, Show } from 'solid-js'
import type { Failure } from '../../schema/error.ts'
import { words } from '../format.ts'
import type { Problem } from '../problem.ts'
import { Badge } from './badge.tsx'
import { Button } from './button.tsx'
import { Remedy } from './remedy.tsx'

/** Category, cause and remedy of something that failed, with what can be done about it. */
export function FailureNote(props: { failure: Failure; actions?: JSX.Element }) {
  return (
    <div class="failure" role="note">
      <Show when={props.actions}>
        <div class="failure-actions">{props.actions}</div>
      </Show>
      <div class="row">
        <span class="glyph status-failed" aria-hidden="true">
          ✕
        </span>
        <Badge>{words(props.failure.category)}</Badge>
        <code class="quiet">{props.failure.code}</code>
      </div>
      <p class="failure-text">{props.failure.message}</p>
      <Remedy text={props.failure.remedy} />
    </div>
  )
}

/** A request that was refused or got no answer, with every bad field and a way to try again. */
export function ErrorState(props: { title: string; problem: Problem; retry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <div class="row">
        <span class="glyph status-failed" aria-hidden="true">
          ✕
        </span>
        <strong>{props.title}</strong>
        <Show when={props.problem.category}>
          {(category) => <Badge>{words(category())}</Badge>}
        </Show>
        <code class="quiet">{props.problem.code}</code>
      </div>
      <p class="failure-text">{props.problem.message}</p>
      <Show when={props.problem.errors.length > 0}>
        <ul class="bullets">
          <For each={props.problem.errors}>
            {(error) => (
              <li>
                <code>{error.field}</code> {error.message}
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Remedy text={props.problem.remedy} />
      <Show when={props.retry}>
        {(retry) => (
          <div class="row">
            <Button small onClick={() => retry()()}>
              Try again
            </Button>
          </div>
        )}
      </Show>
    </div>
  )
}
