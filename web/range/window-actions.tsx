import { createSignal, Show } from 'solid-js'
import { instantText } from '../../schema/common.ts'
import type { Stream } from '../../schema/stream.ts'
import { count } from '../format.ts'
import { createLoad } from '../load.ts'
import { type Problem, problemOf } from '../problem.ts'
import { actOnRanges, type RangeAction } from '../store/actions.ts'
import { notAllowed } from '../store/role.ts'
import { Button } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { toast } from '../ui/toast.ts'

interface WindowProps {
  stream: Stream
  /** seconds since the epoch, half-open */
  from: number
  to: number
  text: string
  onClose: () => void
}

/** What can be done with the ranges of a window, each with the number of ranges it would move. */
export function WindowActions(props: WindowProps) {
  const [problem, setProblem] = createSignal<Problem>()
  const [clearing, setClearing] = createSignal(false)
  const window = () => ({
    from: instantText(props.from * 1_000),
    to: instantText(props.to * 1_000),
  })
  const failed = createLoad(
    () => `${props.from} ${props.to}`,
    () => actOnRanges(props.stream.id, 'retry', { ...window(), status: 'failed' }, true),
  )
  const act = async (action: RangeAction, done: string) => {
    setProblem(undefined)
    try {
      const status = action === 'retry' ? { status: 'failed' } : {}
      const { matched } = await actOnRanges(
        props.stream.id,
        action,
        { ...window(), ...status },
        false,
      )
      toast({ text: `${count(matched)} ranges ${done}.`, good: true })
      props.onClose()
    } catch (error) {
      setProblem(problemOf(error))
    }
  }
  const nothingFailed = () =>
    failed.data()?.matched === 0 ? 'Nothing in this window has failed.' : undefined
  return (
    <div class="window-actions">
      <span class="small">
        <strong>Selected:</strong> {props.text}
      </span>
      <Button
        small
        off={notAllowed('operator') ?? nothingFailed()}
        onClick={() => act('retry', 'will be tried again')}
      >
        Retry failed{failed.data() ? ` (${count(failed.data()?.matched ?? 0)})` : ''}
      </Button>
      <Button
        small
        off={notAllowed('operator')}
        title="Reads them again; what is in the destination stays until the new is whole."
        onClick={() => act('resync', 'will be read again')}
      >
        Resync
      </Button>
      <Button small off={notAllowed('operator')} onClick={() => act('prioritize', 'are next')}>
        Read first
      </Button>
      <Button small kind="danger" off={notAllowed('admin')} onClick={() => setClearing(true)}>
        Delete data
      </Button>
      <Button small kind="ghost" onClick={props.onClose}>
        Clear selection
      </Button>
      <Show when={clearing()}>
        <ClearWindow {...props} window={window()} onClose={() => setClearing(false)} />
      </Show>
      <Show when={problem()}>
        {(found) => <ErrorState title="The ranges were not moved" problem={found()} />}
      </Show>
    </div>
  )
}

/** Takes the data of a window out of the destination, after saying how many ranges have any. */
function ClearWindow(props: {
  stream: Stream
  text: string
  window: { from: string; to: string }
  onClose: () => void
}) {
  const filled = createLoad(
    () => `${props.window.from} ${props.window.to}`,
    () => actOnRanges(props.stream.id, 'clear', props.window, true),
  )
  const run = async (): Promise<void> => {
    const { matched } = await actOnRanges(props.stream.id, 'clear', props.window, false)
    toast({ text: `The data of ${count(matched)} ranges are gone.`, good: true })
  }
  return (
    <Confirm
      title={`Delete the data of ${props.text}?`}
      verb="Delete data"
      off={
        filled.data()?.matched === 0 ? 'Nothing of this window is in the destination.' : undefined
      }
      run={run}
      onClose={props.onClose}
    >
      <p>
        What {filled.data() ? `${count(filled.data()?.matched ?? 0)} ranges` : 'the ranges'} of{' '}
        {props.stream.name} wrote is deleted from the destination, and a running sync is cancelled.{' '}
        <strong>The next sync reads them again.</strong>
      </p>
    </Confirm>
  )
}
