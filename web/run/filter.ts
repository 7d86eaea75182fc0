import type { Run, RunStatus } from '../../schema/run.ts'

/** Filters of the runs page; `statuses` empty means all. */
export interface RunFilter {
  name: string
  label: string
  statuses: readonly RunStatus[]
}

export const runFilters: [RunFilter, ...RunFilter[]] = [
  { name: 'all', label: 'all', statuses: [] },
  { name: 'active', label: 'active', statuses: ['queued', 'running'] },
  { name: 'failed', label: 'failed', statuses: ['failed'] },
  { name: 'partial', label: 'partly failed', statuses: ['partial'] },
  { name: 'complete', label: 'complete', statuses: ['complete'] },
  { name: 'cancelled', label: 'cancelled', statuses: ['cancelled'] },
]

/** The filter as the API takes it: several statuses with commas between. */
export const queryOf = (filter: RunFilter): { status: string | undefined } => ({
  status: filter.statuses.join(',') || undefined,
})

/** Live runs over listed ones, filtered, newest first. */
export function shownRuns(
  live: readonly Run[],
  listed: readonly Run[],
  filter: RunFilter,
  streamId: string | undefined,
): Run[] {
  const byId = new Map(listed.map((run) => [run.id, run]))
  for (const run of live) byId.set(run.id, run)
  // Live runs older than the listed page would leave gaps between them.
  const oldest = listed.map((run) => run.id).sort()[0] ?? ''
  return [...byId.values()]
    .filter((run) => filter.statuses.length === 0 || filter.statuses.includes(run.status))
    .filter((run) => !streamId || run.stream_id === streamId)
    .filter((run) => run.id >= oldest)
    .sort((a, b) => (a.id < b.id ? 1 : -1))
}
