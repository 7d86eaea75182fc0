import type { JobRange, Target } from '../../schema/protocol.ts'

const dayMs = 86_400_000

/** Where a bench's rows go: one keyed table of a namespace of its own. */
export const benchTarget = (
  type: Target['type'],
  namespace: string,
  table: string,
  more: Pick<Target, 'cursorField' | 'tracks'>,
): Target => ({
  destinationId: 'bench',
  type,
  config: {},
  configVersion: 1,
  streamKey: `bench/${namespace}`,
  namespace,
  table,
  writeMode: 'upsert',
  deletes: 'keep',
  primaryKey: ['id'],
  ...more,
})

/** The range of the so many-th day from `firstDay` (epoch ms) on. */
export function benchDay(
  firstDay: number,
  day: number,
  committedFence: JobRange['committedFence'],
): JobRange {
  const start = firstDay + day * dayMs
  const times = { kind: 'window', start, end: start + dayMs, granularity: 'day' } as const
  return { id: day + 1, ...times, zone: 'UTC', committedFence }
}
