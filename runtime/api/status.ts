import Type from 'typebox'
import { Instant, instantText } from '../../schema/common.ts'
import type { Progress, SchedulerState } from '../../schema/event.ts'
import type { App } from './app.ts'
import { workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { operation } from './operation.ts'

const dayMs = 86_400_000
const tag = 'status'

const Totals = Type.Object({
  streams: Type.Integer(),
  enabled: Type.Integer(),
  paused: Type.Integer(),
  failing: Type.Integer({ description: 'streams with failed ranges' }),
  pending: Type.Integer({ description: 'ranges' }),
  running: Type.Integer(),
  complete: Type.Integer(),
  failed: Type.Integer(),
  records: Type.Integer(),
})

const statusOp = operation({
  id: 'getStatus',
  summary: 'What happens now',
  tag,
  role: 'viewer',
  answer: {
    200: Type.Object({
      scheduler: Type.Unsafe<SchedulerState>({ type: 'object' }),
      progress: Type.Array(Type.Unsafe<Progress>({ type: 'object' })),
      streams: Totals,
      version: Type.String(),
    }),
  },
})
const statsOp = operation({
  id: 'getStats',
  summary: 'Totals, and the last day by hour',
  tag,
  role: 'viewer',
  answer: {
    200: Type.Object({
      streams: Totals,
      last_day: Type.Object({
        runs: Type.Integer(),
        failed: Type.Integer(),
        records: Type.Integer(),
        bytes: Type.Integer(),
      }),
      hours: Type.Array(
        Type.Object({
          hour: Instant,
          runs: Type.Integer(),
          failed: Type.Integer(),
          records: Type.Integer(),
          bytes: Type.Integer(),
        }),
      ),
    }),
  },
})

export function statusRoutes(app: App, deps: ApiDeps): void {
  const { stores, engine } = deps
  app.get('/api/v1/status', statusOp, async (request) => {
    const workspace = workspaceOf(request, deps)
    // Progress of other workspaces' runs is not this caller's to see.
    const isTheirs = ({ stream_id }: Progress) =>
      stores.streams.get(workspace.id, stream_id) !== undefined
    return {
      scheduler: engine.schedulerState(),
      progress: engine.progress().filter(isTheirs),
      streams: stores.streams.totals(workspace.id),
      version: deps.config.version,
    }
  })
  app.get('/api/v1/stats', statsOp, async (request) => {
    const workspace = workspaceOf(request, deps)
    const hours = stores.stats.hours(workspace.id, deps.now() - dayMs)
    const lastDay = { runs: 0, failed: 0, records: 0, bytes: 0 }
    for (const hour of hours) {
      lastDay.runs += hour.runs
      lastDay.failed += hour.failed
      lastDay.records += hour.records
      lastDay.bytes += hour.bytes
    }
    return {
      streams: stores.streams.totals(workspace.id),
      last_day: lastDay,
      hours: hours.map((hour) => ({ ...hour, hour: instantText(hour.hour) })),
    }
  })
}
