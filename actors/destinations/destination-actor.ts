import type { Port } from '../../schema/channel.ts'
import type { JobRange, Target } from '../../schema/protocol.ts'
import { RangeSession } from './range-session.ts'
import { DestinationRegistry } from './registry.ts'
import { SpoolPool, workerLoanBytes, workerSpoolBytes } from './spool-pool.ts'

/** The destinations of this worker. */
export const registry = new DestinationRegistry(new SpoolPool(workerSpoolBytes, workerLoanBytes))

/** Serves one range on its port, which says `begin-range` first; resolves when nothing of it is held any more. */
export function attachDestination(port: Port, destinations = registry): Promise<void> {
  return new RangeSession(destinations, port).closed
}

/** Removes all that a stream ever committed, and nothing else. */
export function clearStream(target: Target): Promise<void> {
  return registry.clear(target)
}

/** Removes what a stream committed of some ranges, and nothing else. */
export function clearRanges(target: Target, ranges: JobRange[]): Promise<void> {
  return registry.clearRanges(target, ranges)
}

/** Closes a destination's connection when its config changed or it was deleted. */
export function closeDestination(destinationId: string): Promise<void> {
  return registry.closeDestination(destinationId)
}
