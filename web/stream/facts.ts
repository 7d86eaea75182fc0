import type { Progress } from '../../schema/event.ts'
import type { Run } from '../../schema/run.ts'
import type { Stream } from '../../schema/stream.ts'
import type { CalendarModel } from '../calendar/model.ts'
import { etaMs, type Pace } from '../eta.ts'
import { ago, count, moment, short, span } from '../format.ts'
import { isActive, type State, streamShown } from '../state.ts'

/**
 * Ranges of a stream by what they are; from its calendar, which is patched with every range, unless
 * that misses some.
 */
export function rangeCounts(
  stream: Pick<Stream, 'ranges'>,
  model: CalendarModel | undefined,
): { done: number; total: number; failed: number } {
  if (!model || model.length !== stream.ranges.total) {
    const { complete, total, failed } = stream.ranges
    return { done: complete, total, failed }
  }
  const done = model.count('c') + model.count('o') + model.count('x')
  return { done, total: model.length, failed: model.count('f') + model.count('w') }
}

/** `412 / 1,826 ranges`, or why there is none yet. */
export function progressText(counts: { done: number; total: number }): string {
  if (counts.total === 0) return 'no ranges yet'
  return `${count(counts.done)} / ${count(counts.total)} ranges`
}

/** Records, with speed while it runs; a dash where nothing was ever read. */
export function recordsText(stream: Pick<Stream, 'records' | 'ranges'>): string {
  if (stream.records === 0 && stream.ranges.complete === 0) return '–'
  return count(stream.records)
}

export const speedText = (progress: Progress | undefined): string | undefined =>
  progress && progress.records_per_second > 0
    ? `${short(Math.round(progress.records_per_second))} records/s`
    : undefined

/** `≈ 3 min`; undefined while nobody can know. */
export function etaText(
  pace: Pace | undefined,
  progress: Progress | undefined,
  now: number,
): string | undefined {
  if (!pace || !progress) return undefined
  const left = etaMs(pace, progress.ranges_total, now)
  return left === undefined ? undefined : `≈ ${span(left)}`
}

/** When it last ran and how that went. */
export function lastText(run: Run | undefined, now: number): string {
  if (!run) return 'never ran'
  if (isActive(run))
    return run.started_at ? `started ${ago(Date.parse(run.started_at), now)}` : 'queued'
  const at = Date.parse(run.finished_at ?? run.created_at)
  const took = run.started_at && run.finished_at ? at - Date.parse(run.started_at) : undefined
  return `${ago(at, now)}${took === undefined ? '' : ` · took ${span(took)}`}`
}

/**
 * What is in the destination without a gap: `26 Aug 2026 – 24 Nov 2026`. A stream that works its way
 * up from the oldest range is measured from there, any other from the newest.
 */
export function coverageText(
  stream: Pick<Stream, 'sync_strategy'>,
  model: CalendarModel | undefined,
): string | undefined {
  const end = stream.sync_strategy === 'oldest_first' ? 'oldest' : 'newest'
  const coverage = model && model.granularity !== 'full' ? model.coverage(end) : undefined
  if (!model || !coverage) return undefined
  const hourly = model.granularity === 'hour'
  const text = (seconds: number) => {
    const full = moment(seconds * 1_000, model.zone)
    return hourly ? full : (full.split(',')[0] as string)
  }
  return `${text(coverage.from)} – ${text(coverage.to - (hourly ? 0 : 1))}`
}

export type StateFilter = 'failed' | 'running' | 'pending' | 'complete'
export const stateFilters: StateFilter[] = ['failed', 'running', 'pending', 'complete']

/** The group that a stream is counted in at the top of the overview. */
export function filterOf(stream: Stream, run: Run | undefined): StateFilter {
  const groups: Record<State, StateFilter> = {
    failed: 'failed',
    running: 'running',
    waiting: 'running',
    pending: 'pending',
    complete: 'complete',
  }
  return groups[streamShown(stream, run).state]
}

/** The stream whose calendar greets a visitor: one that syncs, with the most to see; else the only one. */
export function openedFirst(streams: readonly Stream[]): string | undefined {
  const active = streams.filter((stream) => stream.active_run_id !== null)
  const [first] = [...active].sort((a, b) => b.ranges.pending - a.ranges.pending)
  return first?.id ?? (streams.length === 1 ? streams[0]?.id : undefined)
}
