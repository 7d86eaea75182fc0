import { createEffect, createSignal, For, on, Show } from 'solid-js'
import type { PreviewReport } from '../../schema/preview.ts'
import { api } from '../api.ts'
import type { Form } from '../form/form.ts'
import { Button } from '../ui/button.tsx'
import { FieldBox } from '../ui/field-box.tsx'
import type { Connector } from './connector.ts'
import { PreviewView } from './preview-view.tsx'
import { StreamAbilities } from './stream-abilities.tsx'

interface PreviewProps {
  connector: Connector
  form: Form
  /** of a source that is stored: it is tried with its stored credentials */
  sourceId: string | undefined
  stored: Record<string, unknown> | undefined
  timezone: string
}

/** Tries a stream with what stands in the form, before anything is stored. */
export function SourcePreview(props: PreviewProps) {
  const [name, setName] = createSignal('')
  const [report, setReport] = createSignal<PreviewReport>()
  const stream = () =>
    props.connector.streams.find((found) => found.name === name()) ?? props.connector.streams[0]
  createEffect(
    on(
      () => props.connector.id,
      () => {
        setName('')
        setReport(undefined)
      },
    ),
  )
  const tryIt = () =>
    props.form.during('preview', async () => {
      const wanted = stream()?.name
      if (wanted === undefined) return
      setReport(undefined)
      if (props.sourceId !== undefined) {
        const path = `/sources/${props.sourceId}/preview`
        setReport(await api.post<PreviewReport>(path, { stream: wanted }))
        return
      }
      const config = props.form.read(props.stored)
      if (!config) return
      const body = {
        connector: props.connector.id,
        stream: wanted,
        config,
        timezone: props.timezone.trim(),
      }
      setReport(await api.post<PreviewReport>('/connectors/preview', body))
    })
  return (
    <section class="preview stack" aria-label="Preview">
      <FieldBox
        id="preview-stream"
        title="Preview a stream"
        help={
          props.sourceId === undefined
            ? 'Reads a few records with what stands above. Nothing is stored.'
            : 'Reads a few records with the stored credentials.'
        }
        error={props.form.errorOf('stream')}
      >
        <div class="with-button">
          <select id="preview-stream" onChange={(event) => setName(event.currentTarget.value)}>
            <For each={props.connector.streams}>
              {(found) => (
                <option value={found.name} selected={found.name === stream()?.name}>
                  {found.title ?? found.name}
                </option>
              )}
            </For>
          </select>
          <Button busy={props.form.busy() === 'preview'} onClick={tryIt}>
            Preview
          </Button>
        </div>
      </FieldBox>
      <Show when={stream()}>{(found) => <StreamAbilities stream={found()} />}</Show>
      <Show when={report()}>{(found) => <PreviewView report={found()} />}</Show>
    </section>
  )
}
