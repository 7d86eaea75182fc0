import type { JobRange } from '../../../schema/protocol.ts'

/**
 * What follows the record in a line: the range that wrote it and when. It has one length for all lines of an attempt, so
 * that the part before it, which the checksum covers, is found without parsing.
 */
export function rowTail(range: Pick<JobRange, 'kind' | 'start'>, syncedAt: number): string {
  const start = range.kind === 'full' ? 'null' : `"${new Date(range.start).toISOString()}"`
  return `,"_derrick_range":${start},"_derrick_synced_at":"${new Date(syncedAt).toISOString()}"}\n`
}
