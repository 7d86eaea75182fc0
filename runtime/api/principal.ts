import type { FastifyRequest } from 'fastify'
import { type Role, roles } from '../../schema/api-key.ts'
import { keyPattern } from '../../schema/key-pattern.ts'
import { defaultWorkspaceName, type WorkspaceRow } from '../store/workspaces.ts'
import type { ApiDeps } from './deps.ts'
import { sha256 } from './keys.ts'
import { ApiProblem, notFound } from './problem.ts'

/** Who asks. */
export interface Principal {
  auth: 'disabled' | 'key' | 'session'
  role: Role
  /** null: not bound to a workspace */
  workspaceId: string | null
  keyId: string | null
  sessionId: string | null
}

export const sessionCookie = 'derrick_session'
/** A session ends so long after its last use, and in any case so long after its beginning. */
export const sessionIdleMs = 3 * 86_400_000
export const sessionLivesMs = 14 * 86_400_000
const extendStepMs = 10 * 60_000

const nobody: Principal = {
  auth: 'disabled',
  role: 'admin',
  workspaceId: null,
  keyId: null,
  sessionId: null,
}

/** Undefined when nobody is signed in; throws ApiProblem 401 for a key that is wrong. */
export function principalOf(request: FastifyRequest, deps: ApiDeps): Principal | undefined {
  const bearer = request.headers.authorization
  if (bearer !== undefined) return keyPrincipal(bearer, deps)
  const cookie = request.cookies[sessionCookie]
  const session = cookie === undefined ? undefined : sessionPrincipal(cookie, deps)
  return session ?? (deps.config.authDisabled ? nobody : undefined)
}

function keyPrincipal(header: string, { stores, now }: ApiDeps): Principal {
  const key = /^Bearer +(\S+)$/i.exec(header)?.[1]
  const row = key && keyPattern.test(key) ? stores.apiKeys.byHash(sha256(key)) : undefined
  if (!row) throw unauthorised('the API key is not valid')
  stores.apiKeys.markUsed(row, now())
  const { role, workspaceId, id: keyId } = row
  return { auth: 'key', role, workspaceId, keyId, sessionId: null }
}

function sessionPrincipal(cookie: string, { stores, now }: ApiDeps): Principal | undefined {
  const row = stores.sessions.byHash(sha256(cookie), now())
  if (!row) return undefined
  const until = Math.min(now() + sessionIdleMs, row.createdAt + sessionLivesMs)
  if (until - row.expiresAt >= extendStepMs) stores.sessions.extend(row.id, until)
  const { role, workspaceId, keyId, id: sessionId } = row
  return { auth: 'session', role, workspaceId, keyId, sessionId }
}

export const unauthorised = (detail: string): ApiProblem =>
  new ApiProblem(401, 'auth.required', detail, {
    remedy: 'sign in, or send an API key as "Authorization: Bearer dk_live_…"',
    headers: { 'www-authenticate': 'Bearer' },
  })

/** Roles include each other: an admin may do all that an operator may, and so on. */
export const allows = (role: Role, needed: Role): boolean =>
  roles.indexOf(role) <= roles.indexOf(needed)

export function requireRole(principal: Principal, needed: Role): void {
  if (allows(principal.role, needed)) return
  throw new ApiProblem(
    403,
    'auth.forbidden',
    `this needs the role ${needed}, you have ${principal.role}`,
    {
      remedy: `use a key with the role ${needed}`,
    },
  )
}

/** Things of the whole installation are not for keys that are bound to one workspace. */
export function requireUnbound(principal: Principal): void {
  if (principal.workspaceId === null) return
  throw new ApiProblem(
    403,
    'auth.forbidden',
    'a key that is bound to a workspace may not do this',
    {
      remedy: 'use a key that is bound to no workspace',
    },
  )
}

/**
 * The workspace that a request means: the one it names by id or name; else the key's own; else `default`.
 * Throws ApiProblem 404 for a workspace that is not there or not the caller's.
 */
export function chooseWorkspace(
  principal: Principal,
  asked: string | undefined,
  { stores }: Pick<ApiDeps, 'stores'>,
): WorkspaceRow {
  const { workspaces } = stores
  const bound = principal.workspaceId
  const named = asked ?? bound ?? defaultWorkspaceName
  const found = workspaces.get(named) ?? workspaces.byName(named)
  if (!found || (bound !== null && found.id !== bound)) throw notFound('workspace', named)
  return found
}
