import { createSignal, type JSX, Show } from 'solid-js'
import { type Problem, problemOf } from '../problem.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { ErrorState } from './error-state.tsx'

/** Asks before something that can't be taken back; stays open and says why when it is refused. */
export function Confirm(props: {
  title: string
  verb: string
  off?: string | undefined
  children: JSX.Element
  run: () => Promise<void>
  onClose: () => void
}) {
  const [busy, setBusy] = createSignal(false)
  const [problem, setProblem] = createSignal<Problem>()
  const go = async () => {
    setBusy(true)
    setProblem(undefined)
    try {
      await props.run()
      props.onClose()
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <div class="stack">
        {props.children}
        <Show when={problem()}>
          {(found) => <ErrorState title="It was refused" problem={found()} />}
        </Show>
        <div class="row row-end">
          <Button onClick={props.onClose}>Keep</Button>
          <Button kind="danger" busy={busy()} off={props.off} onClick={go}>
            {props.verb}
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
