import type { StreamTarget } from '../store/streams.ts'
import type { ApiDeps } from './deps.ts'
import { ApiProblem } from './problem.ts'

export interface WantedTarget {
  destinationId: string
  namespace: string
  /** prefix and stream name together */
  table: string
}

/**
 * One table, topic or folder has one stream: two would overwrite each other's rows.
 * @param own streams that may have it: those that are being changed
 * Throws ApiProblem 409 stream.target_taken that names the other stream.
 */
export function requireFreeTargets(
  wanted: readonly WantedTarget[],
  own: ReadonlySet<string>,
  { stores }: Pick<ApiDeps, 'stores'>,
): void {
  const [first] = wanted
  if (!first) return
  const taken = new Map<string, StreamTarget>()
  for (const target of stores.streams.targets(first.destinationId)) {
    if (!own.has(target.streamId)) taken.set(keyOf(target), target)
  }
  for (const target of wanted) {
    const other = taken.get(keyOf(target))
    if (!other) continue
    throw new ApiProblem(
      409,
      'stream.target_taken',
      `${target.namespace}.${target.table} is written by ${other.connectionName}/${other.streamName}`,
      { remedy: 'use another namespace, stream prefix or stream name' },
    )
  }
}

/** Some destinations fold case, so names that differ by it alone count as one. */
const keyOf = ({ namespace, table }: Pick<WantedTarget, 'namespace' | 'table'>): string =>
  JSON.stringify([namespace.toLowerCase(), table.toLowerCase()])
