import { createEffect, createSignal, untrack } from 'solid-js'
import type { Source } from '../../schema/source.ts'
import { api } from '../api.ts'
import { problemOf } from '../problem.ts'
import { notAllowed } from '../store/role.ts'
import { world } from '../store/store.ts'
import { Button } from '../ui/button.tsx'
import { Status } from '../ui/status.tsx'
import { toast, toastProblem } from '../ui/toast.ts'
import { useUrl } from '../url.ts'
import { agreementOf, whyNotSignedIn } from './agreement.ts'

/** Whether a source has its access, and the way to the page of the API where somebody agrees to it. */
export function SignIn(props: { source: Source; field: string }) {
  const [busy, setBusy] = createSignal(false)
  const agreement = () => agreementOf(props.source, props.field)
  const authorize = async () => {
    setBusy(true)
    try {
      const path = `/sources/${props.source.id}/authorize`
      const { authorize_url: url } = await api.get<{ authorize_url: string }>(path)
      // This page is left; it stays busy until then.
      location.assign(url)
    } catch (error) {
      toastProblem(`${props.source.name} can’t be authorized`, problemOf(error))
      setBusy(false)
    }
  }
  return (
    <div class="row">
      <Status state={agreement().state} label={agreement().label} />
      <Button
        small
        kind={agreement().state === 'complete' ? 'plain' : 'primary'}
        off={notAllowed('admin')}
        busy={busy()}
        onClick={authorize}
      >
        {agreement().verb}
      </Button>
    </div>
  )
}

/** Says, once, what became of an agreement when the browser comes back from it. */
export function useSignInAnswer(): void {
  const url = useUrl()
  createEffect(() => {
    const done = url.get('signed_in')
    const code = url.get('not_signed_in')
    if (done === undefined && code === undefined) return
    const id = done ?? url.get('source') ?? ''
    untrack(() => {
      const name = world.sources[id]?.name ?? 'The source'
      if (done !== undefined) toast({ text: `${name} is signed in.`, good: true })
      else
        toast({ text: `${name} is not signed in.`, detail: whyNotSignedIn(code ?? ''), bad: true })
      url.set({ signed_in: undefined, not_signed_in: undefined, source: undefined })
    })
  })
}
