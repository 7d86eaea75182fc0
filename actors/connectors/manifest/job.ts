import { DerrickError, derrickError } from '../../../schema/error.ts'
import type { Job } from '../../../schema/manifest/job.ts'
import type { ManifestStream } from '../../../schema/manifest/manifest.ts'
import { compilePath } from '../../../schema/manifest/path.ts'
import type { ReadRequest } from '../reader.ts'
import { type Answered, ask } from './ask.ts'
import { put, type RequestDraft, tokenText } from './draft.ts'
import type { Pass } from './for-each.ts'
import { jsonObject } from './records.ts'
import { type CompiledRequest, compileRequest } from './request.ts'
import { noPage, type ReadScope, type RequestScope } from './scope.ts'
import type { SourceSession } from './session.ts'
import { Slots } from './slots.ts'
import type { StreamPlan } from './stream-plan.ts'
import { isRecord } from './value.ts'

/** A report that the API prepares: the requests that lead to it. Its `fetch` is the stream's own request. */
export interface CompiledJob {
  spec: Job
  create: CompiledRequest
  poll: CompiledRequest
  cancel: CompiledRequest | null
  take: [name: string, read: (value: unknown) => unknown][]
  statusOf(response: unknown): unknown
  /** how many may be under way at a time */
  slots: Slots
}

/** A report that is ready: what `job` is in the requests that fetch it. */
interface Prepared {
  values: Record<string, unknown>
  requests: number
}

/** Nobody waits for the goodbye to a report that is not wanted any more. */
const cancelTimeoutMs = 10_000

/** Slots by what all copies of a source's session share. */
const slotsOfSources = new WeakMap<object, Map<string, Slots>>()

/** Compiles a stream's job; null where it has none. */
export function compileJob(
  { job }: ManifestStream,
  name: string,
  session: SourceSession,
): CompiledJob | null {
  if (!job) return null
  const { base_url: baseUrl } = session.manifest.api
  return {
    spec: job,
    create: compileRequest(job.create, baseUrl),
    poll: compileRequest(job.poll, baseUrl),
    cancel: job.cancel ? compileRequest(job.cancel, baseUrl) : null,
    take: Object.entries(job.take).map(([key, path]) => [key, compilePath(path)]),
    statusOf: compilePath(job.poll.status_at),
    slots: slotsOf(session, name, job.max_running),
  }
}

function slotsOf(session: SourceSession, name: string, count: number): Slots {
  const known = slotsOfSources.get(session.ofStreams) ?? new Map<string, Slots>()
  slotsOfSources.set(session.ofStreams, known)
  const slots = known.get(name) ?? new Slots(count)
  known.set(name, slots)
  return slots
}

interface Order {
  plan: StreamPlan
  scope: ReadScope
  sends: Pass['sends']
  request: ReadRequest
}

/**
 * Has a report made and waits until it is ready. A report that is given up (cancelled, failed, too late) is cancelled at the API, if
 * the manifest says how.
 * @returns null when the API says that there is nothing to report
 * @throws DerrickError job.failed, job.timeout, and what requests throw
 */
export async function runJob(job: CompiledJob, order: Order): Promise<Prepared | null> {
  const { signal } = order.request
  const release = await job.slots.take(signal)
  try {
    const created = await askFor(job.create, order, {}, true)
    if (created.action !== 'accept') return null
    const prepared = { values: taken(job, {}, created), requests: created.requests }
    try {
      return await untilDone(job, order, prepared)
    } catch (error) {
      if (job.cancel) cancelJob(job.cancel, order, prepared.values)
      throw error
    }
  } finally {
    release()
  }
}

async function untilDone(
  job: CompiledJob,
  order: Order,
  prepared: Prepared,
): Promise<Prepared | null> {
  const { session } = order.plan
  const { every_ms: everyMs, timeout_ms: timeoutMs, done, empty, failed } = job.spec.poll
  const deadline = session.clock.now() + timeoutMs
  for (;;) {
    const until = session.clock.now() + everyMs
    if (until > deadline) throw tooLate(timeoutMs)
    order.request.onWait(until, 'the API prepares a report')
    await session.clock.sleep(everyMs, order.request.signal)
    const polled = await askFor(job.poll, order, prepared.values, false)
    prepared.requests += polled.requests
    if (polled.action !== 'accept') return null
    prepared.values = taken(job, prepared.values, polled)
    const status = job.statusOf(polled.document.response)
    if (isOneOf(status, done)) return prepared
    if (isOneOf(status, empty)) return null
    if (isOneOf(status, failed)) throw refused(status)
  }
}

/** Statuses are compared as texts: an API may say 4 where the manifest says "4". */
function isOneOf(status: unknown, list: readonly (string | number | boolean)[]): boolean {
  const text = typeof status === 'boolean' ? String(status) : tokenText(status)
  return text !== null && list.some((each) => String(each) === text)
}

/** What an answer gives for `job`; what it does not say stays as it was. */
function taken(
  job: CompiledJob,
  before: Record<string, unknown>,
  { document }: Answered,
): Record<string, unknown> {
  const values = { ...before }
  for (const [name, read] of job.take) {
    const value = isRecord(document.response) ? read(document.response) : undefined
    if (value !== undefined && value !== null) values[name] = value
    else values[name] ??= null
  }
  return values
}

async function askFor(
  compiled: CompiledRequest,
  { plan, scope, sends, request }: Order,
  job: Record<string, unknown>,
  withWindow: boolean,
): Promise<Answered> {
  const { session, stream } = plan
  const auth = await session.signIn.saved(request.signal)
  const full: RequestScope = { ...scope, job, auth, page: noPage }
  const draft = (): RequestDraft => {
    const made = compiled.draft(full)
    const { window } = stream
    if (!withWindow) return made
    if (window?.start) put(made, window.start, full.window.start)
    if (window?.end) put(made, window.end, full.window.end)
    for (const { param, value } of sends) put(made, param, value)
    return made
  }
  const { judge } = plan
  const { retry } = stream
  const { signal, onWait } = request
  const answered = await ask(
    { scope: full, draft, judge, retry, records: jsonObject, signal, onWait },
    session,
  )
  if (answered.action === 'smaller_page' || answered.action === 'restart')
    throw new DerrickError(answered.failure)
  return answered
}

function cancelJob(cancel: CompiledRequest, order: Order, values: Record<string, unknown>): void {
  const signal = AbortSignal.timeout(cancelTimeoutMs)
  const request = { ...order.request, signal, onWait: () => {} }
  askFor(cancel, { ...order, request }, values, false).catch(() => {
    // It was only good manners: the API forgets reports by itself.
  })
}

const refused = (status: unknown) =>
  derrickError('unknown', 'job.failed', `the API could not prepare the report: ${String(status)}`, {
    remedy: 'it is tried again; a shorter range may be what the API can prepare',
  })

const tooLate = (timeoutMs: number) =>
  derrickError('network', 'job.timeout', `the report was not ready after ${timeoutMs / 1_000} s`, {
    remedy: 'it is tried again; raise job.poll.timeout in the manifest if the API is that slow',
  })
