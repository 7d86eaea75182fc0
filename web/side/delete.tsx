import { Show } from 'solid-js'
import { removeThing } from '../store/actions.ts'
import { Confirm } from '../ui/confirm.tsx'
import { useUrl } from '../url.ts'
import { type Side, type SideThing, usedBy } from './side.ts'

/** Asks before a source or a destination goes; one in use stays. `loss` says what is lost with it. */
export function DeleteSide(props: { side: Side; thing: SideThing; loss: string }) {
  const url = useUrl()
  const users = usedBy(props.side, props.thing.id)
  return (
    <Confirm
      title={`Delete ${props.side} ${props.thing.name}?`}
      verb="Delete"
      off={users.length > 0 ? 'It is in use.' : undefined}
      run={() => removeThing(`${props.side}s`, props.thing.id)}
      onClose={() => url.set({ delete: undefined })}
    >
      <Show when={users.length > 0} fallback={<p>{props.loss}</p>}>
        <p>
          It is used by <strong>{users.join(', ')}</strong>. Delete{' '}
          {users.length === 1 ? 'that connection' : 'those connections'} first; the data stays.
        </p>
      </Show>
    </Confirm>
  )
}
