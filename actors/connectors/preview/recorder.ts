import { type DerrickError, derrickError, toFailure } from '../../../schema/error.ts'
import { type PreviewExchange, previewLimits } from '../../../schema/preview.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/http.ts'
import type { RequestDraft } from '../manifest/draft.ts'
import type { SourceSession } from '../manifest/session.ts'
import type { SecretMask } from './mask.ts'

/** A request and what became of it, as they were; for eyes only after `SecretMask`. */
export interface Exchange {
  purpose: PreviewExchange['purpose']
  request: HttpRequest
  response: HttpResponse | null
  failure: string | null
  ms: number
}

/** Larger answers are not kept whole. */
const keptBodyBytes = 4 * 1024 * 1024
const maxHeaders = 60
const maxHeaderLength = 500

/** Stands between the interpreter and the API and remembers what passes. */
export class Recorder implements HttpClient {
  readonly exchanges: Exchange[] = []
  purpose: Exchange['purpose'] = 'read'
  readonly #http: HttpClient
  readonly #now: () => number
  readonly #mask: SecretMask

  constructor(http: HttpClient, now: () => number, mask: SecretMask) {
    this.#http = http
    this.#now = now
    this.#mask = mask
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    if (this.exchanges.length >= previewLimits.requests) throw budgetSpent()
    const exchange: Exchange = {
      purpose: this.purpose,
      request,
      response: null,
      failure: null,
      ms: 0,
    }
    this.exchanges.push(exchange)
    const begun = this.#now()
    try {
      const response = await this.#http.send(request)
      const body = response.body.subarray(0, keptBodyBytes)
      // A copy: the reader empties what it was given.
      exchange.response = { ...response, body: Uint8Array.from(body) }
      return response
    } catch (error) {
      exchange.failure = toFailure(error).message
      throw error
    } finally {
      exchange.ms = this.#now() - begun
    }
  }

  /** From now on sign-ins of this session are seen for what they are, and what they put on requests is learnt. */
  watchSignIn(session: SourceSession): void {
    const own = session.signIn
    const during = async <T>(work: () => Promise<T>): Promise<T> => {
      const before = this.purpose
      const first = this.exchanges.length
      this.purpose = 'sign-in'
      try {
        return await work()
      } finally {
        this.purpose = before
        await this.#learnFrom(first, own)
      }
    }
    session.signIn = {
      sign: async (draft, signal) => {
        const before = copyOf(draft)
        await during(() => own.sign(draft, signal))
        this.#mask.learn(before, draft)
      },
      renew: () => own.renew(),
      saved: (signal) => during(() => own.saved(signal)),
    }
  }

  async #learnFrom(first: number, signIn: SourceSession['signIn']): Promise<void> {
    const answers = this.exchanges.slice(first).filter(({ purpose }) => purpose === 'sign-in')
    if (answers.length === 0) return
    const signal = AbortSignal.timeout(1_000)
    const saved: Record<string, unknown> = await signIn.saved(signal).catch(() => ({}))
    const kept = new Set(Object.values(saved).filter((value) => typeof value === 'string'))
    for (const { response } of answers)
      if (response) this.#mask.learnAnswer(Buffer.from(response.body).toString('utf8'), kept)
  }

  /** All exchanges as a person may see them. */
  shown(): PreviewExchange[] {
    return this.exchanges.map((exchange) => shownExchange(exchange, this.#mask))
  }
}

/** As deep as a sign-in reaches: values themselves are never changed in place. */
function copyOf(draft: RequestDraft): RequestDraft {
  const { body } = draft
  return {
    ...draft,
    headers: new Map(draft.headers),
    query: new Map(draft.query),
    body: body?.kind === 'form' ? { ...body, fields: new Map(body.fields) } : body && { ...body },
  }
}

/** Whether a failure only means that a preview has asked enough. */
export const isBudgetSpent = (error: unknown): boolean =>
  (error as Partial<DerrickError>).failure?.code === 'preview.enough'

const budgetSpent = () =>
  derrickError('unknown', 'preview.enough', `a preview makes ${previewLimits.requests} requests`, {
    remedy: 'name a shorter window; a sync has no such limit',
    retryable: false,
  })

function shownExchange(
  { purpose, request, response, failure, ms }: Exchange,
  mask: SecretMask,
): PreviewExchange {
  const isSignIn = purpose === 'sign-in'
  const whole = response ? Buffer.from(response.body).toString('utf8') : ''
  // Masked before it is cut: half a secret at the edge would not be found.
  const text = isSignIn ? '(an answer with credentials is not shown)' : mask.text(whole)
  const { answerChars } = previewLimits
  const headers = Object.entries(response?.headers ?? {})
    .slice(0, maxHeaders)
    .map(([name, value]): [string, string] => [name, value.slice(0, maxHeaderLength)])
  return {
    purpose,
    method: request.method,
    url: mask.url(request.url),
    headers: mask.headers(request.headers),
    body: request.body === undefined ? null : isSignIn ? '***' : mask.text(request.body),
    status: response?.status ?? null,
    response_headers: mask.headers(Object.fromEntries(headers)),
    response: response ? text.slice(0, answerChars) : '',
    response_bytes: response?.body.length ?? 0,
    truncated: response !== null && text.length > answerChars,
    ms: Math.round(ms * 10) / 10,
    error: failure === null ? null : mask.text(failure),
  }
}
