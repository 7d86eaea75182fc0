import { For, Show } from 'solid-js'
import type { CheckResult } from '../../schema/destination.ts'

/** The steps of a check in order: what was tried, how long it took, what to do where it failed. */
export function CheckSteps(props: { result: CheckResult }) {
  return (
    <ol class="steps" aria-label="Steps of the check">
      <For each={props.result.steps}>
        {(step) => (
          <li>
            <span
              class={`glyph status-${step.ok ? 'complete' : 'failed'}`}
              role="img"
              aria-label={step.ok ? 'passed' : 'failed'}
            >
              {step.ok ? '✓' : '✕'}
            </span>
            <span>{step.name}</span>
            <span class="num quiet">
              {step.ms < 10 ? step.ms.toFixed(1) : Math.round(step.ms)} ms
            </span>
            <Show when={step.message}>
              <p class="under small muted">{step.message}</p>
            </Show>
            <Show when={step.remedy}>
              <p class="under small">
                <strong>What to do:</strong> {step.remedy}
              </p>
            </Show>
          </li>
        )}
      </For>
    </ol>
  )
}
