import { type RouteSectionProps, useLocation, useNavigate } from '@solidjs/router'
import { createSignal, onCleanup, onMount, Show, Suspense } from 'solid-js'
import { onSignedOut } from './api.ts'
import { type Problem, problemOf } from './problem.ts'
import { Shell } from './shell.tsx'
import { followCalendars } from './store/calendars.ts'
import { loadSession, session, startStore } from './store/store.ts'
import { ErrorState } from './ui/error-state.tsx'
import { Loading } from './ui/loading.tsx'

/** Shows the console only to those who are signed in, once what it shows is loaded. */
export function Gate(props: RouteSectionProps) {
  const navigate = useNavigate()
  const location = useLocation()
  const [loaded, setLoaded] = createSignal(false)
  const [problem, setProblem] = createSignal<Problem>()
  let end = () => {}

  const leave = () => {
    const next = location.pathname + location.search
    navigate(`/login${next === '/' ? '' : `?next=${encodeURIComponent(next)}`}`, { replace: true })
  }
  const load = async () => {
    setProblem(undefined)
    try {
      await loadSession()
      end()
      const ends = [await startStore(), followCalendars()]
      end = () => {
        for (const stop of ends) stop()
        end = () => {}
      }
      setLoaded(true)
    } catch (error) {
      const found = problemOf(error)
      if (found.status !== 401) setProblem(found)
    }
  }
  onMount(() => {
    onSignedOut(leave)
    void load()
  })
  onCleanup(() => {
    onSignedOut(() => {})
    end()
  })

  return (
    <Show
      when={loaded() && session()}
      fallback={
        <main class="page">
          <Show when={problem()} fallback={<Loading what="the console" />}>
            {(found) => (
              <ErrorState title="The console can’t start" problem={found()} retry={load} />
            )}
          </Show>
        </main>
      }
    >
      <Shell>
        <Suspense fallback={<Loading what="the page" />}>{props.children}</Suspense>
      </Shell>
    </Show>
  )
}
