import { useLocation, useNavigate } from '@solidjs/router'
import { createSignal, onMount, Show } from 'solid-js'
import { api } from '../api.ts'
import { type Problem, problemOf } from '../problem.ts'
import { safeNext } from '../search.ts'
import type { Session } from '../shape.ts'
import { Button } from '../ui/button.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { Loading } from '../ui/loading.tsx'

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value

/** Signs in with an API key, or with the one-time link that the server prints at its first start. */
export function Login() {
  const location = useLocation()
  const navigate = useNavigate()
  const next = () => safeNext(single(location.query.next))
  const [key, setKey] = createSignal('')
  const [busy, setBusy] = createSignal(false)
  const [problem, setProblem] = createSignal<Problem>()

  const signIn = async (proof: { key: string } | { token: string }) => {
    setBusy(true)
    setProblem(undefined)
    try {
      await api.post<Session>('/session', proof)
      navigate(next(), { replace: true })
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  onMount(() => {
    const token = single(location.query.token)
    if (!token) return
    // A link works once; kept in the address it would only end in histories and screenshots.
    navigate('/login', { replace: true })
    void signIn({ token })
  })
  return (
    <main class="login">
      <form
        class="card stack"
        onSubmit={(event) => {
          event.preventDefault()
          void signIn({ key: key().trim() })
        }}
      >
        <div class="mark">
          <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <path d="M16 4 7 28M16 4l9 24M10.5 20h11M13 13h6M9 26l11.5-6M23 26l-11.5-6" />
          </svg>
          <h1>Derrick</h1>
        </div>
        <Show when={!busy()} fallback={<Loading what="your session" />}>
          <div class="field">
            <label for="key">API key</label>
            <input
              id="key"
              type="password"
              autocomplete="current-password"
              placeholder="dk_live_…"
              required
              autofocus
              value={key()}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
            <p class="help">
              The first start of the server prints a one-time link to this page; keys are made in
              Settings or with <code>derrick keys create</code>.
            </p>
          </div>
          <Show when={problem()}>
            {(found) => <ErrorState title="You are not signed in" problem={found()} />}
          </Show>
          <Button kind="primary" type="submit">
            Sign in
          </Button>
        </Show>
      </form>
    </main>
  )
}
