import type { CheckResult, CheckStep } from '../../../schema/destination.ts'
import { type Failure, failure, toFailure } from '../../../schema/error.ts'
import { checkConfig } from '../../../schema/manifest/config.ts'
import type { RequestSpec } from '../../../schema/manifest/request.ts'
import type { HttpClient, HttpRequest } from '../../http/http.ts'
import { ask } from './ask.ts'
import { makeErrorJudge } from './errors.ts'
import { readStream } from './reader.ts'
import { jsonObject } from './records.ts'
import { compileRequest } from './request.ts'
import { noPage } from './scope.ts'
import { openSession, type SourceOptions, type SourceSession } from './session.ts'
import { planStream } from './stream-plan.ts'
import { noWindow } from './window.ts'

/** In this order: each step needs the ones before it. */
const stepNames = ['config', 'address', 'sign-in', 'first page'] as const
type StepName = (typeof stepNames)[number]

const dayMs = 86_400_000
/** Nobody waits longer for a check; it tells what it knows by then. */
const checkTimeoutMs = 60_000
const checkRetry = { attempts: 1, base_ms: 200, max_wait_ms: 2_000, jitter: true }

/**
 * Tries a source: is its config complete, does the address answer, does the API accept the credentials, and is the answer one
 * that the manifest understands. Steps after the first failed one are left out. Never throws.
 */
export async function checkSource(options: SourceOptions): Promise<CheckResult> {
  const now = () => options.clock.now()
  const steps: CheckStep[] = []
  const begun = now()
  const config = configFailure(options)
  if (config) return failedAt('config', config, steps, now() - begun)
  let session: SourceSession
  const watch = watched(options.http, now)
  try {
    session = openSession({ ...options, http: watch.http })
  } catch (error) {
    return failedAt('config', toFailure(error), steps, now() - begun)
  }
  steps.push({ name: 'config', ok: true, ms: now() - begun })
  const asked = now()
  const problem = await tryFirstPage(session)
  const ms = now() - asked
  if (!problem) {
    for (const name of stepNames.slice(1))
      steps.push({ name, ok: true, ms: name === 'address' ? (watch.firstAnswerMs ?? ms) : ms })
    return { ok: true, steps }
  }
  const at = stepOf(problem, watch.firstAnswerMs !== null)
  for (const name of stepNames.slice(1, stepNames.indexOf(at)))
    steps.push({ name, ok: true, ms: watch.firstAnswerMs ?? ms })
  return failedAt(at, problem, steps, ms)
}

function failedAt(name: StepName, problem: Failure, steps: CheckStep[], ms: number): CheckResult {
  const { message, remedy } = problem
  steps.push({ name, ok: false, ms, message, ...(remedy === undefined ? {} : { remedy }) })
  return { ok: false, steps }
}

/** The step that a failure belongs to. Any answer at all proves the address. */
function stepOf(problem: Failure, answered: boolean): StepName {
  if (problem.code === 'auth.config') return 'config'
  if (!answered) return 'address'
  return problem.category === 'auth' ? 'sign-in' : 'first page'
}

function configFailure({ manifest, config }: SourceOptions): Failure | null {
  const [issue, ...more] = checkConfig(manifest, config)
  if (!issue) return null
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`
  return failure('auth', 'source.config', `${issue.field}: ${issue.message}${others}`, {
    remedy: issue.remedy,
  })
}

/** Notes when the first answer came, whatever its status. */
function watched(http: HttpClient, now: () => number) {
  const begun = now()
  const watch = {
    firstAnswerMs: null as number | null,
    http: {
      async send(request: HttpRequest) {
        const response = await http.send(request)
        watch.firstAnswerMs ??= now() - begun
        return response
      },
    },
  }
  return watch
}

/** The manifest's own check, and what is wrong when it fails. */
async function tryFirstPage(session: SourceSession): Promise<Failure | null> {
  const { check } = session.manifest
  const signal = AbortSignal.timeout(checkTimeoutMs)
  try {
    if ('request' in check) await checkRequest(session, check.request, signal)
    else await checkStream(session, check.stream, signal)
    return null
  } catch (error) {
    if (!signal.aborted) return toFailure(error)
    return failure('network', 'http.timeout', `no answer within ${checkTimeoutMs / 1_000} s`)
  }
}

async function checkRequest(session: SourceSession, spec: RequestSpec, signal: AbortSignal) {
  const request = compileRequest(spec, session.manifest.api.base_url)
  const scope = {
    config: session.config,
    source: { timezone: session.timezone },
    now: session.clock.now(),
    window: noWindow,
    each: {},
    job: {},
    auth: await session.signIn.saved(signal),
    page: noPage,
  }
  await ask(
    {
      scope,
      draft: () => request.draft(scope),
      judge: makeErrorJudge(session.manifest.errors),
      retry: checkRetry,
      records: jsonObject,
      signal,
      onWait: () => {},
    },
    session,
  )
}

/** One page of a stream: yesterday's, if it has a window. */
async function checkStream(session: SourceSession, name: string, signal: AbortSignal) {
  const plan = planStream(session, name)
  const quick = { ...plan, stream: { ...plan.stream, retry: checkRetry } }
  const end = Math.floor(session.clock.now() / dayMs) * dayMs
  const window = { start: end - dayMs, end }
  const pages = readStream(quick, { window, signal, onWait: () => {} })
  await pages.next()
  await pages.return()
}
