import type { FastifyReply } from 'fastify'
import type { SchedulerState } from '../../schema/event.ts'
import type { Stores } from '../store/stores.ts'
import { defaultWorkspaceName } from '../store/workspaces.ts'
import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'

export type HealthDeps = Pick<ApiDeps, 'config' | 'now'> & {
  stores: Pick<Stores, 'workspaces'>
  /** undefined until the engine is there */
  schedulerState: () => SchedulerState | undefined
}

/** A scheduler that has not ticked for so long is stuck; it ticks every ten seconds. */
const tickOverdueMs = 60_000

/** For orchestrators: alive, and able to take work. They ask without signing in and learn nothing else. */
export function healthRoutes(app: App, deps: HealthDeps): void {
  const alive = async () => ({ status: 'ok', version: deps.config.version })
  app.get('/livez', { schema: { hide: true } }, alive)
  app.get('/healthz', { schema: { hide: true } }, alive)
  app.get('/readyz', { schema: { hide: true } }, async (_request, reply: FastifyReply) => {
    const checks = { database: databaseCheck(deps), scheduler: schedulerCheck(deps) }
    const ready = Object.values(checks).every((check) => check === 'ok')
    return reply.code(ready ? 200 : 503).send({ ready, checks })
  })
}

function databaseCheck({ stores }: HealthDeps): string {
  try {
    stores.workspaces.byName(defaultWorkspaceName)
    return 'ok'
  } catch {
    return 'the database can not be read'
  }
}

function schedulerCheck({ schedulerState, now }: HealthDeps): string {
  const state = schedulerState()
  if (!state) return 'it is starting'
  const tick = state.last_tick_at
  // Before the first tick the process is starting, which takes seconds.
  if (tick === null) return 'ok'
  const age = now() - Date.parse(tick)
  return age < tickOverdueMs ? 'ok' : `the last tick was ${Math.round(age / 1_000)} s ago`
}
