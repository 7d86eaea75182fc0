import { For } from 'solid-js'
import type { ManifestIssue } from '../../schema/manifest/issue.ts'

/** Errors and warnings of a manifest: where, what, what to do. */
export function IssueList(props: { issues: ManifestIssue[] }) {
  return (
    <ul class="issues" aria-label="Issues of the manifest">
      <For each={props.issues}>
        {(issue) => (
          <li>
            <span
              class={`glyph status-${issue.severity === 'error' ? 'failed' : 'waiting'}`}
              role="img"
              aria-label={issue.severity}
            >
              {issue.severity === 'error' ? '✕' : '!'}
            </span>
            <div>
              <p>
                <code>
                  {issue.file}:{issue.line}:{issue.column}
                </code>{' '}
                {issue.message}
              </p>
              <p class="small muted">
                <strong>What to do:</strong> {issue.remedy}
              </p>
            </div>
          </li>
        )}
      </For>
    </ul>
  )
}
