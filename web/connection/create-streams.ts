import type { Granularity, Stream } from '../../schema/stream.ts'
import { api } from '../api.ts'
import { syncStream } from '../store/actions.ts'
import { change } from '../store/store.ts'
import { put } from '../store/world.ts'
import { granularityOf, type OfferedStream, type StreamChoice } from './offered.ts'

export interface StreamPlan {
  choices: readonly StreamChoice[]
  offered: readonly OfferedStream[]
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
    const offered = plan.offered.find((candidate) => candidate.name === choice.name)
    const granularity = granularityOf(offered, plan.granularity)
    const stream = await api.post<Stream>('/streams', {
      connection_id: connectionId,
      name: choice.name,
      sync_strategy: choice.strategy,
      ...(granularity ? { sync_granularity: granularity } : {}),
      schedule: plan.schedule || null,
    })
    change((draft) => {
      put(draft.streams, stream)
    })
    made.push(stream)
  }
  if (plan.start) await Promise.all(made.map((stream) => syncStream(stream)))
  return made
}
