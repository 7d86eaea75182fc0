import type { StreamFigures } from '../store/stats.ts'
import type { App } from './app.ts'
import { callerOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'

/** Streams that have series of their own; a database of metrics pays for each. */
export const measuredStreams = 2_000

/** Figures for Prometheus, in its text format. A key that is bound to a workspace sees its streams alone. */
export function metricsRoutes(app: App, deps: ApiDeps): void {
  const { engine, stores, config, now } = deps
  app.get(
    '/metrics',
    { schema: { hide: true }, config: { role: 'viewer' } },
    async (request, reply) => {
      const { global, queued, last_tick_at: tick } = engine.schedulerState()
      const streams = stores.stats.streams(callerOf(request).workspaceId, measuredStreams)
      const families = [
        family('build_info', 'gauge', 'Always 1.', [[{ version: config.version }, 1]]),
        family('syncs_running', 'gauge', 'Syncs that run now.', [[{}, global.in_use]]),
        family('syncs_limit', 'gauge', 'Syncs that may run at once.', [[{}, global.limit]]),
        family('syncs_queued', 'gauge', 'Syncs that wait for their turn.', [[{}, queued]]),
        ...(tick === null ? [] : [tickAge(now() - Date.parse(tick))]),
        ...streamFamilies(streams),
      ]
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(families.join(''))
    },
  )
}

type Sample = [labels: Record<string, string>, value: number]

const tickAge = (ms: number): string =>
  family('scheduler_tick_age_seconds', 'gauge', 'Time since the scheduler looked last.', [
    [{}, ms / 1_000],
  ])

function streamFamilies(streams: readonly StreamFigures[]): string[] {
  const labels = ({ workspace, connection, stream }: StreamFigures) => ({
    workspace,
    connection,
    stream,
  })
  const statuses = ['pending', 'running', 'complete', 'failed'] as const
  const each = (value: (figures: StreamFigures) => number | null): Sample[] =>
    streams.flatMap((one) => {
      const found = value(one)
      return found === null ? [] : [[labels(one), found] satisfies Sample]
    })
  return [
    family(
      'ranges',
      'gauge',
      'Ranges of a stream by status.',
      streams.flatMap((one) =>
        statuses.map((status): Sample => [{ ...labels(one), status }, one[status]]),
      ),
    ),
    family(
      'records',
      'gauge',
      'Records of a stream at its destination.',
      each((one) => one.records),
    ),
    family(
      'stream_enabled',
      'gauge',
      '1 when a stream is synced.',
      each((one) => one.enabled),
    ),
    family(
      'stream_last_complete_timestamp_seconds',
      'gauge',
      'When a sync of a stream last ended with nothing left to do.',
      each(({ lastComplete }) => (lastComplete === null ? null : lastComplete / 1_000)),
    ),
  ]
}

/** One metric with its samples; names of things are people's own and may hold anything. */
function family(name: string, type: 'gauge', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    return `derrick_${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`
  })
  return `# HELP derrick_${name} ${help}\n# TYPE derrick_${name} ${type}\n${lines.join('')}`
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
