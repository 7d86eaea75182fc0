import type { Failure } from '../../schema/error.ts'
import type { RunStatus } from '../../schema/run.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { RunRow } from '../store/runs.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import { type EngineEvent, failureText } from './engine-events.ts'

export type RunReport = ReturnType<typeof makeRunReport>

type Level = 'info' | 'warn' | 'error'

/** Tells people what a run does: changed rows, activity lines, notifications. */
export function makeRunReport(
  subject: () => { run: RunRow; context: StreamContext },
  emit: (event: EngineEvent) => void,
) {
  const log = (
    level: Level,
    kind: string,
    message: string,
    rangeId?: number,
    data?: Record<string, unknown>,
  ): void => {
    const { run, context } = subject()
    emit({
      kind: 'happened',
      activity: {
        workspaceId: context.workspaceId,
        level,
        kind,
        message,
        streamId: context.streamId,
        runId: run.id,
        ...(rangeId === undefined ? {} : { rangeId }),
        ...(data ? { data } : {}),
      },
    })
  }
  return {
    log,
    runChanged: (): void => {
      const { run } = subject()
      emit({ kind: 'run-changed', workspaceId: run.workspaceId, run })
    },
    rangesChanged: (rows: RangeRow[]): void => {
      const { workspaceId } = subject().context
      for (const range of rows) emit({ kind: 'range-changed', workspaceId, range })
    },
    schemaChanged: (table: string, columns: { name: string; type: string }[]): void => {
      const { workspaceId, streamId } = subject().context
      const names = columns.map(({ name, type }) => `${name} ${type}`).join(', ')
      log('info', 'schema.changed', `${table} has new or wider columns: ${names}`, undefined, {
        columns,
      })
      emit({
        kind: 'notify',
        notification: {
          workspaceId,
          kind: 'schema_changed',
          dedupKey: `${streamId}:${table}`,
          title: `${table}: ${columns.length} new or wider column(s)`,
          detail: { table, columns },
          streamId,
        },
      })
    },
    ended: (status: RunStatus, last: Failure | null): void => {
      const { run, context } = subject()
      const text = `sync of ${context.title} ended: ${status}, ${run.rangesComplete} ranges, ${run.records} records`
      const bad = status === 'failed' || status === 'partial'
      log(
        bad ? 'error' : 'info',
        `run.${status}`,
        last && bad ? `${text}; ${failureText(last)}` : text,
      )
      // A refused sign-in was told when the source was paused.
      if (!bad || !last || last.category === 'auth') return
      emit({
        kind: 'notify',
        notification: {
          workspaceId: context.workspaceId,
          kind: 'sync_failed',
          dedupKey: `${context.streamId}:${last.code}`,
          title: `sync of ${context.title} ${status === 'failed' ? 'failed' : 'is incomplete'}`,
          detail: { ...last, run_id: run.id },
          streamId: context.streamId,
        },
      })
    },
  }
}

/** 403 concerns this stream; any other refusal concerns the source's credentials and thus all its streams. */
export function pauseAfterRefusal(
  failed: Failure,
  { workspaceId, source, streamId, title }: StreamContext,
  { config, emit }: Pick<EngineDeps, 'config' | 'emit'>,
): void {
  const streamOnly = failed.code.endsWith('403')
  if (streamOnly) config.pauseStream(streamId, failed)
  else config.pauseSource(source.id, failed)
  emit({
    kind: 'notify',
    notification: {
      workspaceId,
      kind: streamOnly ? 'stream_paused' : 'source_paused',
      dedupKey: streamOnly ? streamId : source.id,
      title: streamOnly
        ? `${title} is paused: access refused`
        : `${source.name} is paused: sign-in refused`,
      detail: { ...failed },
      streamId,
    },
  })
  if (!streamOnly) emit({ kind: 'source-changed', workspaceId, sourceId: source.id })
  emit({ kind: 'stream-changed', workspaceId, streamId })
}

/** A range in words: `2026-03-01` or `2026-03-01T05:00Z`, in UTC. */
export function rangeTitle(row: Pick<RangeRow, 'kind' | 'start'>): string {
  return row.kind === 'full'
    ? 'full read'
    : new Date(row.start).toISOString().replace(/:00\.000Z$/, 'Z')
}
