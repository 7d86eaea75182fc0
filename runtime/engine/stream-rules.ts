/** What a stream's configuration means for its runs: pure. */
import { type Failure, failure } from '../../schema/error.ts'
import type { StreamContext } from './context.ts'

/** Lanes that a cancel holds until a manual trigger: history and repair. */
export const lanesHeldByCancel = 0b110

/** Ranges of one stream in flight at once, `auto` where that is left to us. Without an end filter one follows the other. */
export function parallelRanges(
  context: Pick<StreamContext, 'parallelRanges' | 'connector'>,
  auto: number,
): number {
  if (!context.connector.endFilter) return 1
  return context.parallelRanges === 'auto' ? auto : context.parallelRanges
}

/** Why nothing of this stream may be read now, if so. */
export function pausedBy({ source, connector, pausedReason }: StreamContext): Failure | null {
  if (source.paused) return source.pausedReason ?? sourcePaused
  return connector.isOffered ? pausedReason : notOffered
}

/** The run's failure once it takes longer than its stream allows; it counts from its start, waits included. */
export function overdue(
  { startedAt }: { startedAt: number | null },
  { maxRunMs }: Pick<StreamContext, 'maxRunMs'>,
  now: number,
): Failure | null {
  if (maxRunMs === null || startedAt === null || now - startedAt < maxRunMs) return null
  const minutes = Math.round(maxRunMs / 60_000)
  return failure('unknown', 'run.too_long', `it ran for more than ${minutes} minutes`, {
    remedy: 'the next run goes on where it ended; raise max_run_minutes if it should take so long',
  })
}

/** What the API asked for, if it asked to wait; for people. */
export function askedWait(
  { name, pausedUntil }: StreamContext['source'],
  now: number,
): { until: number; why: string } | undefined {
  if (pausedUntil === null || pausedUntil <= now) return undefined
  return { until: pausedUntil, why: askedToWait(name, pausedUntil) }
}

export const askedToWait = (source: string, untilMs: number): string =>
  `${source} asked to wait until ${new Date(untilMs).toISOString()}`

const sourcePaused = failure('auth', 'source.paused', 'the source is paused', {
  remedy: 'resume the source when it should be read again',
})

const notOffered = failure(
  'transform',
  'stream.not_offered',
  "the source's configuration does not offer this stream",
  { remedy: "change the source's configuration, or disable the stream" },
)

/** What ends a run from outside, for errors that people see. */
export const interrupted: Failure = failure(
  'unknown',
  'run.interrupted',
  'Derrick ended while this ran',
  {
    remedy: 'nothing to do: it goes on by itself',
  },
)
