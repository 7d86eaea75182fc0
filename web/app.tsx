import { Route, Router } from '@solidjs/router'
import { lazy } from 'solid-js'
import { Gate } from './gate.tsx'
import { NotFound } from './pages/not-found.tsx'
import { Overview } from './pages/overview.tsx'
import { Toasts } from './ui/toasts.tsx'

const Runs = lazy(() => import('./pages/runs.tsx').then((m) => ({ default: m.Runs })))
const Connections = lazy(() =>
  import('./pages/connections.tsx').then((m) => ({ default: m.Connections })),
)
const Sources = lazy(() => import('./pages/sources.tsx').then((m) => ({ default: m.Sources })))
const Destinations = lazy(() =>
  import('./pages/destinations.tsx').then((m) => ({ default: m.Destinations })),
)
const Settings = lazy(() => import('./pages/settings.tsx').then((m) => ({ default: m.Settings })))
const Login = lazy(() => import('./pages/login.tsx').then((m) => ({ default: m.Login })))

export function App() {
  return (
    <>
      <Router>
        <Route path="/login" component={Login} />
        <Route component={Gate}>
          <Route path="/" component={Overview} />
          <Route path="/runs" component={Runs} />
          <Route path="/connections" component={Connections} />
          <Route path="/sources" component={Sources} />
          <Route path="/destinations" component={Destinations} />
          <Route path="/settings" component={Settings} />
          <Route path="*" component={NotFound} />
        </Route>
      </Router>
      <Toasts />
    </>
  )
}
