import { derrickError } from '../../schema/error.ts'
import type { HttpRequest, HttpResponse } from './http.ts'
import { urlForPeople } from './mask.ts'

export const maxRedirects = 5
const redirectStatuses = new Set([301, 302, 303, 307, 308])
/** All that may follow a redirect to another origin: custom headers carry keys as often as Authorization does. */
const harmlessHeaders = new Set(['accept', 'accept-encoding', 'accept-language', 'user-agent'])

const noRedirect = (code: string, message: string, remedy: string) =>
  derrickError('network', code, message, { remedy, retryable: false })

/**
 * The request that follows a redirect, or null when the answer is none. The same origin keeps everything; another one
 * gets a bare GET, and a body is never carried there.
 * @throws DerrickError http.redirect_refused
 */
export function redirectOf(request: HttpRequest, response: HttpResponse): HttpRequest | null {
  if (!redirectStatuses.has(response.status)) return null
  const location = response.headers.location
  if (location === undefined) return null
  const from = new URL(request.url)
  const to = URL.parse(location, from)
  const what = `${urlForPeople(request.url)} redirects`
  if (!to || (to.protocol !== 'https:' && to.protocol !== 'http:'))
    throw noRedirect('http.redirect_refused', `${what} to no web address`, checkUrl)
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw noRedirect('http.redirect_refused', `${what} from https to http`, checkUrl)
  const toGet = response.status === 303 || (response.status < 303 && request.method === 'POST')
  const next: HttpRequest = { ...request, url: to.href, method: toGet ? 'GET' : request.method }
  if (toGet) {
    delete next.body
    next.headers = without(request.headers, (name) => name.startsWith('content-'))
  }
  if (to.origin === from.origin) return next
  if (next.body !== undefined) {
    const message = `${what} to ${to.origin}; a body is not sent to another host`
    throw noRedirect('http.redirect_refused', message, checkUrl)
  }
  next.headers = without(next.headers, (name) => !harmlessHeaders.has(name))
  return next
}

const checkUrl = "check the connector's base_url and path: the API may have moved"

function without(headers: Record<string, string>, drop: (name: string) => boolean) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !drop(name)))
}

export const tooManyRedirects = (url: string) =>
  noRedirect(
    'http.redirect_loop',
    `${urlForPeople(url)} redirects more than ${maxRedirects} times`,
    checkUrl,
  )
