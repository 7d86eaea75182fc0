import type { Granularity, Stream } from '../../schema/stream.ts'
import { api } from '../api.ts'
import { syncStream } from '../store/actions.ts'
import { change } from '../store/store.ts'
import type { StreamChoice } from './offered.ts'

export interface StreamPlan {
  choices: readonly StreamChoice[]
  granularity: Granularity
  /** cron, or empty for "only by hand" */
  schedule: string
  /** begin the first sync of each at once */
  start: boolean
}

/** Makes the chosen streams in a connection, one after another. Throws the first ProblemError. */
export async function createStreams(connectionId: string, plan: StreamPlan): Promise<Stream[]> {
  const made: Stream[] = []
  for (const choice of plan.choices) {
    if (!choice.chosen) continue
    const stream = await api.post<Stream>('/streams', {
      connection_id: connectionId,
      name: choice.name,
      sync_strategy: choice.strategy,
      sync_granularity: plan.granularity,
      schedule: plan.schedule || null,
    })
    change((draft) => {
      draft.streams[stream.id] = stream
    })
    made.push(stream)
  }
  if (plan.start) await Promise.all(made.map((stream) => syncStream(stream)))
  return made
}
