import { DerrickError, type Failure, failure } from '../../../schema/error.ts'
import type { RequestRetry } from '../../../schema/manifest/error-rule.ts'
import type { Records } from '../../../schema/manifest/records.ts'
import type { HttpResponse } from '../../http/http.ts'
import { bodyOf, pathOf, type RequestDraft, urlOf } from './draft.ts'
import type { Action, ErrorJudge } from './errors.ts'
import type { RawReading } from './raw-document.ts'
import { type Document, decodeDocument } from './records.ts'
import { waitAfter } from './retry.ts'
import type { AnswerScope, RequestScope } from './scope.ts'
import type { SourceSession } from './session.ts'

/** One request of a read: how it is made, judged and repeated. */
export interface Question {
  scope: RequestScope
  /** made anew for every try, since signing changes it */
  draft: () => RequestDraft
  judge: ErrorJudge
  retry: RequestRetry
  /** format of the answer */
  records: Records
  /** how to leave its records unparsed, where that is wanted */
  raw?: RawReading | null
  signal: AbortSignal
  onWait: (untilMs: number, reason: string, refused?: boolean) => void
}

/** An answer that the rules accept, or whose meaning the caller must act on. */
export interface Answered {
  action: Exclude<Action, 'fail' | 'retry' | 'rate_limit' | 'reauth'>
  response: HttpResponse
  document: Document
  scope: AnswerScope
  /** tries it took */
  requests: number
  failure: Failure
}

type Tried = { answered: Answered } | { failure: Failure; headers: Record<string, string> | null }

/**
 * Asks until there is an answer to act on. Failures that may pass are waited out within the manifest's `retry`.
 * @throws DerrickError what remains; rate_limit with `retry_after_ms` when the API asks for a longer wait than is held here
 */
export async function ask(question: Question, session: SourceSession): Promise<Answered> {
  const { retry, signal } = question
  let mayRenew = true
  let requests = 0
  for (let tries = 1; ; ) {
    requests += 1
    const tried = await tryOnce(question, session, requests)
    if ('answered' in tried) return tried.answered
    if (tried.failure.category === 'auth') {
      // Once, and without a wait: the token may have ended before its time.
      if (!mayRenew || !session.signIn.renew()) throw new DerrickError(tried.failure)
      mayRenew = false
      continue
    }
    const clock = { now: session.clock.now(), random: session.random() }
    const wait = waitAfter(tries, retry, tried.headers, clock)
    if (wait.asked && wait.ms > retry.max_wait_ms) throw new DerrickError(tooLong(tried, wait.ms))
    if (tries > retry.attempts) throw new DerrickError(exhausted(tried.failure, wait))
    tries += 1
    const until = clock.now + wait.ms
    if (wait.asked) session.governor.pause(until)
    question.onWait(until, tried.failure.message, tried.failure.category === 'rate_limit')
    await session.clock.sleep(wait.ms, signal)
  }
}

/** One try. What may pass with time is returned, what may not is thrown. */
async function tryOnce(
  question: Question,
  session: SourceSession,
  requests: number,
): Promise<Tried> {
  const { signal } = question
  const draft = question.draft()
  if (!draft.unsigned) await session.signIn.sign(draft, signal)
  const leave = await session.governor.enter(pathOf(draft), signal)
  let response: HttpResponse
  try {
    response = await session.http.send(httpRequest(draft, session, signal))
  } catch (error) {
    leave()
    signal.throwIfAborted()
    return retryable(error, null)
  }
  let decoded: Document | null = null
  let undecodable: unknown
  try {
    decoded = documentOf(response, question, session)
  } catch (error) {
    undecodable = error
  }
  const { status, headers } = response
  leave({ status, headers, response: decoded?.response ?? null })
  const scope = { ...question.scope, status, headers, response: decoded?.response ?? null }
  const answer = { method: draft.method, response, scope, secrets: session.secrets }
  const verdict = question.judge.judge(answer)
  switch (verdict.action) {
    case 'fail':
      throw new DerrickError(verdict.failure)
    case 'retry':
    case 'rate_limit':
    case 'reauth':
      return { failure: asRetryable(verdict.action, verdict.failure), headers }
    case 'accept':
      if (!decoded) return retryable(undecodable, headers)
  }
  const document = decoded ?? { response: null, isDeep: false }
  const { action } = verdict
  return { answered: { action, response, document, scope, requests, failure: verdict.failure } }
}

/** `reauth` renews the sign-in, which only the category auth asks for. */
function asRetryable(action: 'retry' | 'rate_limit' | 'reauth', given: Failure): Failure {
  if (action === 'reauth') return { ...given, category: 'auth', retryable: false }
  return given.category === 'auth' ? { ...given, category: 'network', retryable: true } : given
}

function retryable(error: unknown, headers: Record<string, string> | null): Tried {
  if (error instanceof DerrickError && error.failure.retryable)
    return { failure: error.failure, headers }
  throw error
}

/** Bodies of errors are decoded for the rules that look at them, if they can be. */
function documentOf(
  response: HttpResponse,
  { records, raw }: Question,
  session: SourceSession,
): Document {
  if (response.status === 204 || response.status === 205) return { response: null, isDeep: false }
  const limits = { maxBytes: session.maxBodyBytes, secrets: session.secrets }
  // APIs that give tables tell of errors in JSON.
  const spec = response.status < 400 ? records : { ...records, format: 'json' as const }
  return decodeDocument(response.body, spec, limits, response.status < 300 ? raw : null)
}

function httpRequest(draft: RequestDraft, session: SourceSession, signal: AbortSignal) {
  const { api } = session.manifest
  const body = draft.method === 'GET' ? null : bodyOf(draft, api)
  const headers = Object.fromEntries(draft.headers)
  if (body && !draft.headers.has('content-type')) headers['content-type'] = body.contentType
  return {
    method: draft.method,
    url: urlOf(draft, api),
    headers,
    ...(body ? { body: body.text } : {}),
    timeoutMs: api.timeout_ms,
    maxBodyBytes: session.maxBodyBytes,
    signal,
  }
}

/** The API asks for a longer wait than a request holds out: the engine pauses the source instead. */
function tooLong({ failure: given }: { failure: Failure }, waitMs: number): Failure {
  return failure('rate_limit', given.code, given.message, {
    remedy: 'the source goes on by itself when the API allows',
    retry_after_ms: Math.ceil(waitMs),
  })
}

function exhausted(given: Failure, wait: { ms: number; asked: boolean }): Failure {
  return wait.asked ? { ...given, retry_after_ms: Math.ceil(wait.ms) } : given
}
