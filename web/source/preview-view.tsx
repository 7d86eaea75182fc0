import { For, Show } from 'solid-js'
import type { PreviewEdge, PreviewExchange, PreviewReport } from '../../schema/preview.ts'
import { Badge } from '../ui/badge.tsx'
import { FailureNote } from '../ui/error-state.tsx'

const shownColumns = 8

/** A stream as it was tried: what came, what was asked, and what would be lost. */
export function PreviewView(props: { report: PreviewReport }) {
  const report = () => props.report
  return (
    <div class="stack" role="status">
      <Verdict report={report()} />
      <Show when={report().failure}>{(failure) => <FailureNote failure={failure()} />}</Show>
      <Findings report={report()} />
      <Show when={report().records.length > 0}>
        <Records report={report()} />
        <Types report={report()} />
      </Show>
      <Facts report={report()} />
      <Requests exchanges={report().exchanges} />
    </div>
  )
}

function Verdict(props: { report: PreviewReport }) {
  const isGood = () =>
    !props.report.failure &&
    props.report.record_count > 0 &&
    props.report.warnings.every((warning) => warning.severity !== 'error')
  const text = () => {
    const { record_count: records, pages, failure, window } = props.report
    if (failure) return 'The stream can’t be read like this.'
    if (records === 0) return 'It works, but there were no records to judge by.'
    const within = window ? ` from ${shortTime(window.from)} to ${shortTime(window.to)} UTC` : ''
    return `${records} records in ${pages.length} ${pages.length === 1 ? 'page' : 'pages'}${within}`
  }
  return (
    <p>
      <span class={`glyph status-${isGood() ? 'complete' : 'failed'}`} aria-hidden="true">
        {isGood() ? '✓' : '✕'}
      </span>{' '}
      <strong>{text()}</strong>
    </p>
  )
}

/** To the minute; previews are always in UTC. */
const shortTime = (instant: string): string => instant.slice(0, 16).replace('T', ' ')

const signs = { error: '✕', warning: '!', note: '·' } as const
const tones = { error: 'failed', warning: 'waiting', note: 'pending' } as const

function Findings(props: { report: PreviewReport }) {
  return (
    <Show when={props.report.warnings.length > 0}>
      <ul class="issues" aria-label="Findings">
        <For each={props.report.warnings}>
          {(finding) => (
            <li>
              <span
                class={`glyph status-${tones[finding.severity]}`}
                role="img"
                aria-label={finding.severity}
              >
                {signs[finding.severity]}
              </span>
              <div>
                <p>{finding.message}</p>
                <p class="small muted">
                  <strong>What to do:</strong> {finding.remedy}
                </p>
              </div>
            </li>
          )}
        </For>
      </ul>
    </Show>
  )
}

function Records(props: { report: PreviewReport }) {
  const columns = () => props.report.fields.slice(0, shownColumns).map((field) => field.name)
  const cell = (record: Record<string, unknown>, name: string): string => {
    const value = Object.hasOwn(record, name) ? record[name] : undefined
    if (value === undefined || value === null) return '–'
    return typeof value === 'string' ? value : JSON.stringify(value)
  }
  return (
    <section class="table-scroll" aria-label="Records">
      <table class="small records">
        <thead>
          <tr>
            <For each={columns()}>{(name) => <th scope="col">{name}</th>}</For>
          </tr>
        </thead>
        <tbody>
          <For each={props.report.records}>
            {(record) => (
              <tr>
                <For each={columns()}>
                  {(name) => (
                    <td>
                      <span class="clip">{cell(record, name)}</span>
                    </td>
                  )}
                </For>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </section>
  )
}

function Types(props: { report: PreviewReport }) {
  const notes = () =>
    props.report.fields.filter((field) => (field.declare ?? field.convert) !== undefined)
  return (
    <details>
      <summary>
        {props.report.fields.length} fields
        <Show when={notes().length > 0}>
          {' '}
          <Badge tone="warn">{notes().length} to declare</Badge>
        </Show>
      </summary>
      <dl class="facts small">
        <For each={props.report.fields}>
          {(field) => (
            <>
              <dt>
                <code>{field.name}</code>
              </dt>
              <dd>
                {field.types.join(' | ') || 'null'}
                <Show when={field.note}>
                  <span class="muted"> · {field.note}</span>
                </Show>
                <Show when={field.declare}>
                  <pre class="snippet">{`types: {${field.declare}}`}</pre>
                </Show>
                <Show when={field.convert}>
                  <pre class="snippet">{`fields:\n  ${field.convert}`}</pre>
                </Show>
              </dd>
            </>
          )}
        </For>
      </dl>
    </details>
  )
}

function Facts(props: { report: PreviewReport }) {
  const key = () => {
    const { declared, duplicates, missing, checked } = props.report.key
    if (declared.length === 0) return 'none is declared'
    if (duplicates + missing === 0) return `${declared.join(', ')}: all ${checked} are different`
    return `${declared.join(', ')}: ${duplicates} twice, ${missing} missing`
  }
  const edge = ({ found, declared }: PreviewEdge) =>
    found === declared ? `${found}, as declared` : `${found}, but declared ${declared}`
  return (
    <dl class="facts small">
      <Show when={props.report.record_count > 0}>
        <dt>Key</dt>
        <dd>{key()}</dd>
      </Show>
      <Show when={props.report.edges}>
        {(edges) => (
          <>
            <dt>Window’s start</dt>
            <dd>{edge(edges().start)}</dd>
            <Show when={edges().end}>
              {(end) => (
                <>
                  <dt>Window’s end</dt>
                  <dd>{edge(end())}</dd>
                </>
              )}
            </Show>
          </>
        )}
      </Show>
    </dl>
  )
}

function Requests(props: { exchanges: PreviewExchange[] }) {
  return (
    <details>
      <summary>
        {props.exchanges.length} {props.exchanges.length === 1 ? 'request' : 'requests'}
      </summary>
      <ol class="exchanges">
        <For each={props.exchanges}>
          {(exchange) => (
            <li>
              <p class="wrap">
                <code>
                  {exchange.method} {exchange.url}
                </code>
              </p>
              <p class="small muted">
                {exchange.status ?? 'no answer'} · {exchange.response_bytes} bytes ·{' '}
                {Math.round(exchange.ms)} ms
                <Show when={exchange.purpose !== 'read'}> · {exchange.purpose}</Show>
              </p>
              <details>
                <summary class="small">Headers and answer</summary>
                <pre class="snippet">
                  {Object.entries(exchange.headers)
                    .map(([name, value]) => `${name}: ${value}`)
                    .join('\n')}
                  {exchange.body ? `\n\n${exchange.body}` : ''}
                </pre>
                <pre class="snippet answer">
                  {exchange.error ?? exchange.response}
                  {exchange.truncated ? '\n…' : ''}
                </pre>
              </details>
            </li>
          )}
        </For>
      </ol>
    </details>
  )
}
