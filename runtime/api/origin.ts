import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { ApiConfig } from './deps.ts'
import type { Principal } from './principal.ts'
import { ApiProblem } from './problem.ts'

/**
 * A page of another site can make a browser send requests here under a name of its own (DNS rebinding). Such
 * requests carry that name as host, so only names that are ours are answered. An address needs no name server and
 * is safe; a request with a key has no ambient rights that could be abused.
 */
export function checkHost(request: FastifyRequest, config: ApiConfig): void {
  if (request.headers.authorization !== undefined) return
  const host = hostName(request.headers.host ?? '')
  if (host !== undefined && isOurs(host, config)) return
  throw new ApiProblem(421, 'host.unknown', 'this server does not answer to that host name', {
    remedy: 'start it with DERRICK_PUBLIC_URL set to the address that people use',
  })
}

/** Lower case, without port and brackets; undefined when it is none. */
function hostName(header: string): string | undefined {
  const url = URL.parse(`http://${header}`)
  if (!url || /[/?#@]/.test(header)) return undefined
  return url.hostname.toLowerCase().replace(/^\[|\]$/g, '')
}

function isOurs(host: string, config: ApiConfig): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || isIP(host) !== 0) return true
  if (host === config.host.toLowerCase()) return true
  return (
    config.publicUrl !== undefined && host === hostName(URL.parse(config.publicUrl)?.host ?? '')
  )
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses writes that another site's page makes with this browser's cookie or, where nobody needs to sign in, with
 * the mere ability to reach this server. Programs without a browser send neither header and need a key.
 */
export function checkOrigin(
  request: FastifyRequest,
  principal: Principal | undefined,
  config: ApiConfig,
): void {
  if (safeMethods.has(request.method) || principal?.auth === 'key') return
  const site = request.headers['sec-fetch-site']
  const origin = request.headers.origin
  if (origin !== undefined && !isOwnOrigin(origin, request, config)) throw crossSite()
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw crossSite()
  if (principal?.auth === 'session' && site === undefined && origin === undefined) throw crossSite()
}

function isOwnOrigin(origin: string, request: FastifyRequest, config: ApiConfig): boolean {
  const url = URL.parse(origin)
  if (!url) return false
  if (url.host === request.headers.host?.toLowerCase()) return true
  return config.publicUrl !== undefined && url.origin === URL.parse(config.publicUrl)?.origin
}

const crossSite = (): ApiProblem =>
  new ApiProblem(403, 'auth.cross_site', 'this request comes from another site', {
    remedy: 'use the console, or send an API key as "Authorization: Bearer dk_live_…"',
  })
