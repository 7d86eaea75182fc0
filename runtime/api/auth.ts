import type { FastifyRequest } from 'fastify'
import type { Role } from '../../schema/api-key.ts'
import type { WorkspaceRow } from '../store/workspaces.ts'
import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'
import { checkHost, checkOrigin } from './origin.ts'
import {
  chooseWorkspace,
  type Principal,
  principalOf,
  requireRole,
  unauthorised,
} from './principal.ts'

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null
  }
  interface FastifyContextConfig {
    /** who may call it; `public` asks for no sign-in */
    role?: Role | 'public'
    /** whether an Idempotency-Key gets the same answer again */
    keepsAnswer?: boolean
  }
}

/** Asks every call of the API who it is. A route that does not say who may call it can't be added. */
export function addAuth(app: App, deps: ApiDeps): void {
  app.decorateRequest('principal', null)
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith('/api/') && route.config?.role === undefined) {
      throw new Error(`${route.method} ${route.url} does not say who may call it`)
    }
  })
  app.addHook('onRequest', async (request) => {
    checkHost(request, deps.config)
    const needed = request.routeOptions.config.role
    if (needed === undefined) return
    const principal = needed === 'public' ? undefined : principalOf(request, deps)
    checkOrigin(request, principal, deps.config)
    if (needed === 'public') return
    if (!principal) throw unauthorised('nobody is signed in')
    requireRole(principal, needed)
    request.principal = principal
  })
}

/** Who asks, on a route that is not public. */
export function callerOf(request: FastifyRequest): Principal {
  if (request.principal) return request.principal
  throw unauthorised('nobody is signed in')
}

/** The workspace that the request means, by `workspace_id` in its query or body. */
export function workspaceOf(request: FastifyRequest, deps: ApiDeps): WorkspaceRow {
  const asked = namedIn(request.query) ?? namedIn(request.body)
  return chooseWorkspace(callerOf(request), asked, deps)
}

function namedIn(part: unknown): string | undefined {
  if (typeof part !== 'object' || part === null) return undefined
  const id = (part as { workspace_id?: unknown }).workspace_id
  return typeof id === 'string' ? id : undefined
}
