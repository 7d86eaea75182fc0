import type { ApiDeps } from './deps.ts'
import { ApiProblem } from './problem.ts'

/**
 * Refuses changes that would make what is in the destination wrong: rows are filed under a stream's names, key and
 * cut of time. Says what would have to be read again. Throws ApiProblem 409 stream.needs_reset.
 */
export function requireNoRanges(
  streamIds: readonly string[],
  what: string,
  { stores }: Pick<ApiDeps, 'stores'>,
): void {
  const affected = streamIds.flatMap((id) => {
    const stream = stores.streams.find(id)
    if (!stream) return []
    const { countPending, countRunning, countComplete, countFailed } = stream
    const ranges = countPending + countRunning + countComplete + countFailed
    return ranges > 0 ? [{ id, name: stream.name, ranges }] : []
  })
  if (affected.length === 0) return
  const list = affected.map(({ name, ranges }) => `${name} (${ranges} ranges)`).join(', ')
  throw new ApiProblem(
    409,
    'stream.needs_reset',
    `to change ${what}, these have to be read again: ${list}`,
    {
      remedy: affected
        .map(({ id }) => `POST /api/v1/streams/${id}/reset {"clear": true}`)
        .concat('then repeat the change')
        .join('; '),
    },
  )
}
