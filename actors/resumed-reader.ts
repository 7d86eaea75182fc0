import { DerrickError, derrickError, toFailure } from '../schema/error.ts'
import type { RangeJob } from '../schema/protocol.ts'
import type { ReadPage, ReadRequest, StreamReader } from './connectors/reader.ts'
import { ResumeLog } from './resume-log.ts'

/** The log of a read that is worth going on with; null for those that are not. */
export async function openResumeLog(job: RangeJob, now: number): Promise<ResumeLog | null> {
  if (job.resumeDir === undefined || job.range.kind !== 'full') return null
  const { connector, config, target, range } = job
  const { streamKey, primaryKey } = target
  // Whatever changes what is asked for, or means another thing by it, begins anew.
  const identity = JSON.stringify([connector, config, streamKey, primaryKey, range.zone])
  return ResumeLog.open(`${job.resumeDir}/${range.id}.pages`, identity, now)
}

/** Reads what the log has, then goes on from there, and keeps what comes. */
export function resumedReader(reader: StreamReader, log: ResumeLog): StreamReader {
  return { pages: (request) => resumedPages(reader, log, request) }
}

async function* resumedPages(
  reader: StreamReader,
  log: ResumeLog,
  { raw: _, ...request }: ReadRequest,
): AsyncGenerator<ReadPage> {
  yield* log.replay()
  const { point } = log
  if (point === null) return
  let isResuming = point !== undefined
  const asked = point === undefined ? request : { ...request, resume: point }
  try {
    for await (const page of reader.pages({ ...asked, isResumable: true })) {
      isResuming = false
      await log.append(page)
      yield page
    }
  } catch (error) {
    throw isResuming ? refused(error) : error
  }
}

/** A page token that is no longer taken must not fail the stream for good: the next attempt begins anew. */
function refused(error: unknown): unknown {
  const { category, message } = toFailure(error)
  if (category !== 'transform' && category !== 'unknown') return error
  return derrickError('unknown', resumeRefused, `it could not go on where it was cut: ${message}`, {
    remedy: 'nothing to do: it is read from its beginning',
    retryable: true,
    cause: error,
  })
}

const resumeRefused = 'source.resume_refused'

/** Whether what was read is worth keeping after this error: the API has done nothing wrong, it just was not read to its end. */
export function isWorthKeeping(error: unknown, isAborted: boolean): boolean {
  if (isAborted) return true
  const { category } = error instanceof DerrickError ? error.failure : toFailure(error)
  return ['network', 'rate_limit', 'auth', 'destination'].includes(category)
}
