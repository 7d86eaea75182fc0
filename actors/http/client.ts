import { Agent } from 'undici'
import { DerrickError, derrickError } from '../../schema/error.ts'
import { AnswerCollector } from './answer-collector.ts'
import { makeConnector, type ResolveName } from './connector.ts'
import { acceptEncoding, decodeBody } from './content-encoding.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './http.ts'
import { urlForPeople } from './mask.ts'
import { maxRedirects, redirectOf, tooManyRedirects } from './redirect.ts'

export interface HttpClientOptions {
  /** private and loopback addresses, and http:// */
  allowPrivateNetworks: boolean
  /** name resolution, for tests */
  resolve?: ResolveName
  /** longest life of one request, redirects included; a body that trickles ends here */
  totalTimeoutMs?: number
}

const userAgent = 'Derrick'
const defaultTotalTimeoutMs = 600_000
const keepAliveMs = 30_000
const maxHeaderBytes = 64 * 1024

/**
 * The HTTP client of one worker: one agent, kept-alive connections, one request a connection at a time. Redirects are
 * followed by hand, so that each hop is judged anew.
 */
export function makeHttpClient(
  options: HttpClientOptions,
): HttpClient & { close(): Promise<void> } {
  const { allowPrivateNetworks, resolve } = options
  const agent = new Agent({
    connect: makeConnector({ allowPrivateNetworks, ...(resolve ? { resolve } : {}) }),
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: maxHeaderBytes,
  })
  const totalTimeoutMs = options.totalTimeoutMs ?? defaultTotalTimeoutMs
  return {
    close: () => agent.destroy(),
    async send(first) {
      const deadline = new Deadline(first.signal, totalTimeoutMs)
      let request = first
      try {
        for (let hop = 0; hop <= maxRedirects; hop++) {
          const response = await exchange(agent, request, deadline.signal, allowPrivateNetworks)
          const next = redirectOf(request, response)
          if (!next) return response
          request = next
        }
        throw tooManyRedirects(first.url)
      } catch (error) {
        throw deadline.explain(error, request)
      } finally {
        deadline.clear()
      }
    },
  }
}

/** The caller's signal and the total time in one signal; listeners are removed, so a long attempt collects none. */
class Deadline {
  readonly #abort = new AbortController()
  readonly #outer: AbortSignal
  readonly #onAbort: () => void
  readonly #timer: NodeJS.Timeout

  constructor(outer: AbortSignal, ms: number) {
    this.#outer = outer
    this.#onAbort = () => this.#abort.abort(outer.reason)
    outer.addEventListener('abort', this.#onAbort, { once: true })
    if (outer.aborted) this.#onAbort()
    this.#timer = setTimeout(
      () => this.#abort.abort(timedOut(`no complete answer within ${ms / 1_000} s`)),
      ms,
    )
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#outer.removeEventListener('abort', this.#onAbort)
  }

  /** What is thrown: the reason of whoever aborted, else the failure that undici's error stands for. */
  explain(error: unknown, request: HttpRequest): unknown {
    if (this.#abort.signal.aborted) return this.#abort.signal.reason
    return error instanceof DerrickError ? error : networkFailure(error, request)
  }
}

/** One request, one answer, no redirects. */
async function exchange(
  agent: Agent,
  request: HttpRequest,
  signal: AbortSignal,
  allowPrivateNetworks: boolean,
): Promise<HttpResponse> {
  const url = acceptableUrl(request.url, allowPrivateNetworks)
  const collector = new AnswerCollector(request.maxBodyBytes, signal)
  const options = {
    origin: url.origin,
    path: url.pathname + url.search,
    method: request.method,
    headers: { 'user-agent': userAgent, ...request.headers, 'accept-encoding': acceptEncoding },
    body: request.body ?? null,
    headersTimeout: request.timeoutMs,
    bodyTimeout: request.timeoutMs,
  }
  if (!signal.aborted) agent.dispatch(options, collector)
  const answer = await collector.answer
  const headers = flatHeaders(answer.headers)
  const body = decodeBody(answer.body, headers['content-encoding'], request.maxBodyBytes)
  return { status: answer.status, headers, body, url: url.href }
}

function acceptableUrl(text: string, allowPrivateNetworks: boolean): URL {
  const url = URL.parse(text)
  const refuse = (message: string, remedy: string) =>
    derrickError('network', 'http.url_refused', message, { remedy, retryable: false })
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refuse('the address of the request is not a web address', 'it must begin with https://')
  if (url.protocol === 'http:' && !allowPrivateNetworks)
    throw refuse(
      `${urlForPeople(text)} is not encrypted`,
      'use https://, or set DERRICK_ALLOW_PRIVATE_NETWORKS=true, which permits http:// too',
    )
  if (url.username !== '' || url.password !== '')
    throw refuse(
      `${urlForPeople(text)} has a user name or password in it`,
      'put credentials into auth, where they are kept secret',
    )
  return url
}

function flatHeaders(headers: Record<string, string | string[] | undefined>) {
  const flat: Record<string, string> = Object.create(null)
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value === undefined) continue
    flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}

const timedOut = (message: string) =>
  derrickError('network', 'http.timeout', message, {
    remedy: 'it is asked for again; raise api.timeout in the manifest if the API is that slow',
  })

const bodyCut = (cause?: unknown) =>
  derrickError('network', 'http.body_cut', 'the connection was closed before the answer ended', {
    cause,
  })

/** Texts for the errors that people meet; the rest keep their own words, which hold no URL and no header. */
function networkFailure(error: unknown, request: HttpRequest): DerrickError {
  const host = URL.parse(request.url)?.host ?? 'the API'
  const code = String((error as { code?: unknown }).code ?? '')
  const make = (name: string, message: string, remedy?: string, retryable?: boolean) =>
    derrickError('network', name, message, {
      cause: error,
      ...(remedy === undefined ? {} : { remedy }),
      ...(retryable === undefined ? {} : { retryable }),
    })
  switch (code) {
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return timedOut(`${host} sent nothing for ${request.timeoutMs / 1_000} s`)
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return make('network.connect_timeout', `no connection to ${host}`)
    case 'ENOTFOUND':
      return make('network.name_unknown', `the host name ${host} does not exist`, checkHost)
    case 'EAI_AGAIN':
      return make('network.name_lookup', `the host name ${host} cannot be looked up now`)
    case 'ECONNREFUSED':
      return make('network.refused', `${host} refuses connections`, checkHost)
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_ABORTED':
      return bodyCut(error)
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return make('network.connection_lost', `the connection to ${host} was lost`)
    case 'UND_ERR_HEADERS_OVERFLOW':
      return make(
        'http.headers_too_large',
        `${host} sent more than ${maxHeaderBytes} bytes of headers`,
      )
    case 'UND_ERR_INVALID_ARG':
      return make(
        'http.request_invalid',
        `the request to ${host} cannot be sent`,
        checkHeaders,
        false,
      )
  }
  const name = (error as { name?: unknown }).name
  if (code.startsWith('HPE_') || name === 'HTTPParserError')
    return make('http.protocol', `${host} did not answer in HTTP`, checkHost)
  if (/CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code))
    return make('network.tls', `no secure connection to ${host}: ${code}`, checkCertificate, false)
  const message = error instanceof Error ? error.message : String(error)
  return make(
    code ? `network.${code.toLowerCase()}` : 'network.unknown',
    `${host}: ${message.slice(0, 200)}`,
  )
}

const checkHost = "check the connector's base_url and this machine's network"
const checkHeaders =
  'a header holds characters that HTTP does not allow; check the secrets in config for line breaks'
const checkCertificate =
  'the certificate is not trusted or not for this host; check base_url, and for a proxy that opens TLS'
