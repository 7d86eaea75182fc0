import { createSignal, Show } from 'solid-js'
import type { CheckResult } from '../../schema/destination.ts'
import { api } from '../api.ts'
import { problemOf } from '../problem.ts'
import { notAllowed } from '../store/role.ts'
import { Button, LinkButton } from '../ui/button.tsx'
import { CheckSteps } from '../ui/check-steps.tsx'
import { toastProblem } from '../ui/toast.ts'
import type { Side, SideThing } from './side.ts'

/** Check (with its answer, step by step), edit and delete, at the foot of a source's or destination's card. */
export function SideActions(props: { side: Side; thing: SideThing }) {
  const [busy, setBusy] = createSignal(false)
  const [checked, setChecked] = createSignal<CheckResult>()
  const page = () => `/${props.side}s`
  const check = async () => {
    setBusy(true)
    try {
      setChecked(await api.post<CheckResult>(`${page()}/${props.thing.id}/check`))
    } catch (error) {
      toastProblem(`${props.thing.name} was not checked`, problemOf(error))
    }
    setBusy(false)
  }
  return (
    <>
      <Show when={checked()}>{(result) => <CheckSteps result={result()} />}</Show>
      <div class="row">
        <Button small off={notAllowed('operator')} busy={busy()} onClick={check}>
          Check
        </Button>
        <LinkButton small off={notAllowed('admin')} href={`${page()}?edit=${props.thing.id}`}>
          Edit
        </LinkButton>
        <LinkButton
          small
          kind="ghost"
          off={notAllowed('admin')}
          href={`${page()}?delete=${props.thing.id}`}
        >
          Delete
        </LinkButton>
      </div>
    </>
  )
}
