import { createSignal, Show } from 'solid-js'
import type { Stream } from '../../schema/stream.ts'
import { world } from '../store/store.ts'
import { FieldBox } from '../ui/field-box.tsx'
import { columnsText, readColumns } from './columns.ts'

/** The declared types of a stream's columns, where its destination has types. */
export function createColumns(stream: Stream) {
  const [text, setText] = createSignal(columnsText(stream.columns))
  const isShown = () => {
    const { destination_id: id = '' } = world.connections[stream.connection_id] ?? {}
    return world.destinations[id]?.type === 'postgres'
  }
  const error = () => {
    const found = readColumns(text())
    return isShown() && 'error' in found ? found.error : undefined
  }
  return { text, setText, isShown, error, patch: () => (isShown() ? readColumns(text()) : {}) }
}

export function ColumnsField(props: {
  columns: ReturnType<typeof createColumns>
  error: string | undefined
}) {
  return (
    <Show when={props.columns.isShown()}>
      <FieldBox
        id="columns"
        title="Types of columns"
        help="One a line: text, integer, number, boolean, timestamp or date. Other columns get theirs from their values; what does not fit lands in name__text."
        error={props.columns.error() ?? props.error}
      >
        <textarea
          id="columns"
          class="mono"
          rows="3"
          spellcheck={false}
          placeholder="price: number"
          value={props.columns.text()}
          onInput={(event) => props.columns.setText(event.currentTarget.value)}
        />
      </FieldBox>
    </Show>
  )
}
