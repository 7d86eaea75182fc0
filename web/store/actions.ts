import type { Range } from '../../schema/range.ts'
import type { Run } from '../../schema/run.ts'
import type { Stream } from '../../schema/stream.ts'
import { api } from '../api.ts'
import { problemOf } from '../problem.ts'
import type { RangesMoved } from '../shape.ts'
import { isActive } from '../state.ts'
import { toast, toastProblem } from '../ui/toast.ts'
import { change, world } from './store.ts'
import { putRun } from './world.ts'

/** What buttons do. Each answers on screen at once and takes it back when the server refuses. */

export async function syncStream(
  stream: Stream,
  window: { from?: string; to?: string } = {},
): Promise<void> {
  try {
    const run = await api.post<Run & { joined?: boolean }>(`/streams/${stream.id}/sync`, window)
    change((draft) => {
      putRun(draft, run)
      const known = draft.streams[stream.id]
      if (known && isActive(run)) known.active_run_id = run.id
    })
    if (run.joined) toast({ text: `${stream.name} is already syncing; joined that run.` })
  } catch (error) {
    toastProblem(`${stream.name} was not started`, problemOf(error))
  }
}

export async function cancelRun(run: Run): Promise<void> {
  const mark = (cancelling: boolean) =>
    change((draft) => {
      const known = draft.runs[run.id]
      if (known && isActive(known)) known.cancelling = cancelling
    })
  mark(true)
  try {
    await api.post(`/runs/${run.id}/cancel`)
  } catch (error) {
    mark(false)
    toastProblem('The run was not cancelled', problemOf(error))
  }
}

/** Enables or disables; disabling cancels the stream's run. */
export async function setEnabled(stream: Stream, enabled: boolean): Promise<void> {
  const mark = (value: boolean) =>
    change((draft) => {
      const known = draft.streams[stream.id]
      if (known) known.enabled = value
    })
  mark(enabled)
  try {
    await api.post(`/streams/${stream.id}/${enabled ? 'enable' : 'disable'}`)
  } catch (error) {
    mark(!enabled)
    toastProblem(`${stream.name} was not ${enabled ? 'enabled' : 'disabled'}`, problemOf(error))
  }
}

export async function retryRange(range: Range): Promise<boolean> {
  try {
    await api.post(`/ranges/${range.id}/retry`)
    toast({ text: 'The range will be read again now.', good: true })
    return true
  } catch (error) {
    toastProblem('The range was not retried', problemOf(error))
    return false
  }
}

export type RangeAction = 'retry' | 'resync' | 'prioritize' | 'clear'

/** Moves all ranges of a window; `dryRun` only counts them. Throws ProblemError. */
export function actOnRanges(
  streamId: string,
  action: RangeAction,
  window: { from?: string; to?: string; status?: string },
  dryRun: boolean,
): Promise<RangesMoved> {
  return api.post<RangesMoved>(`/streams/${streamId}/ranges`, {
    action,
    ...window,
    dry_run: dryRun,
  })
}

export async function retryFailed(stream: Stream): Promise<void> {
  try {
    const { matched } = await actOnRanges(stream.id, 'retry', { status: 'failed' }, false)
    toast({
      text: `${matched} ${matched === 1 ? 'range' : 'ranges'} will be tried again.`,
      good: true,
    })
  } catch (error) {
    toastProblem('Nothing was retried', problemOf(error))
  }
}

/** Deletes a thing by its path and takes it out of the store. Throws ProblemError. */
export async function removeThing(
  kind: 'sources' | 'destinations' | 'connections' | 'streams',
  id: string,
): Promise<void> {
  await api.remove(`/${kind}/${id}`)
  change((draft) => {
    delete draft[kind][id]
  })
}

export const nameOfStream = (id: string): string => {
  const stream = world.streams[id]
  if (!stream) return id
  const connection = world.connections[stream.connection_id]
  return connection ? `${connection.name}/${stream.name}` : stream.name
}
