import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { Role } from '../../schema/api-key.ts'
import { keyPattern } from '../../schema/key-pattern.ts'
import { Workspace } from '../../schema/workspace.ts'
import type { App } from './app.ts'
import { callerOf, workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { sha256 } from './keys.ts'
import { LoginLimit } from './login-limit.ts'
import { operation } from './operation.ts'
import {
  type Principal,
  principalOf,
  sessionCookie,
  sessionIdleMs,
  sessionLivesMs,
} from './principal.ts'
import { ApiProblem } from './problem.ts'
import { isSecure } from './security-headers.ts'

const Login = Type.Union([
  Type.Object(
    { key: Type.String({ maxLength: 200, description: 'an API key' }) },
    { additionalProperties: false },
  ),
  Type.Object(
    { token: Type.String({ maxLength: 200, description: 'of a one-time link' }) },
    { additionalProperties: false },
  ),
])
type Login = Static<typeof Login>

const Session = Type.Object({
  auth: Type.Enum(['disabled', 'key', 'session']),
  role: Role,
  workspace: Type.Object({ id: Workspace.properties.id, name: Workspace.properties.name }),
  version: Type.String(),
  demo: Type.Boolean(),
})

const logInOp = operation({
  id: 'logIn',
  summary: 'Sign in with an API key or a one-time link; sets the session cookie',
  tag: 'session',
  role: 'public',
  body: Login,
  answer: { 200: Session },
})
const getOp = operation({
  id: 'getSession',
  summary: 'Who is signed in, and to what',
  tag: 'session',
  role: 'viewer',
  answer: { 200: Session },
})
const logOutOp = operation({
  id: 'logOut',
  summary: 'Sign out',
  tag: 'session',
  role: 'public',
  answer: { 204: Type.Null() },
})

export function sessionRoutes(app: App, deps: ApiDeps): void {
  const limit = new LoginLimit(deps.now)
  const present = (request: FastifyRequest) => {
    const { auth, role } = callerOf(request)
    const { id, name } = workspaceOf(request, deps)
    const { version, demo } = deps.config
    return { auth, role, workspace: { id, name }, version, demo }
  }
  app.get('/api/v1/session', getOp, async (request) => present(request))
  app.post('/api/v1/session', logInOp, async (request, reply) => {
    request.principal = logIn(request, reply, request.body, limit, deps)
    return present(request)
  })
  app.delete('/api/v1/session', logOutOp, async (request, reply) => {
    endSession(request, deps)
    reply.clearCookie(sessionCookie, { path: '/' }).code(204)
  })
}

function logIn(
  request: FastifyRequest,
  reply: FastifyReply,
  login: Login,
  limit: LoginLimit,
  deps: ApiDeps,
): Principal {
  const wait = limit.waitSeconds(request.ip)
  if (wait > 0) {
    throw new ApiProblem(429, 'auth.too_many_tries', 'too many failed sign-ins', {
      remedy: `try again in ${wait} s`,
      headers: { 'retry-after': String(wait) },
    })
  }
  const granted = 'key' in login ? byKey(login.key, deps) : byLink(login.token, deps)
  if (!granted) {
    limit.failed(request.ip)
    throw new ApiProblem(401, 'auth.refused', 'the key or link is not valid', {
      remedy:
        'check the key; a link works once and for an hour: a restart prints a new one while there is no key',
    })
  }
  endSession(request, deps)
  return beginSession(reply, granted, deps)
}

type Granted = Pick<Principal, 'role' | 'workspaceId' | 'keyId'>

function byKey(key: string, { stores, now }: ApiDeps): Granted | undefined {
  const row = keyPattern.test(key) ? stores.apiKeys.byHash(sha256(key)) : undefined
  if (!row) return undefined
  stores.apiKeys.markUsed(row, now())
  return { role: row.role, workspaceId: row.workspaceId, keyId: row.id }
}

function byLink(token: string, { stores, now }: ApiDeps): Granted | undefined {
  const link = stores.sessions.takeLink(sha256(token), now())
  return link && { role: link.role, workspaceId: null, keyId: null }
}

/** Each sign-in gets an id of its own: one that somebody else planted before is worth nothing. */
function beginSession(reply: FastifyReply, granted: Granted, deps: ApiDeps): Principal {
  const { stores, now, newId, randomBytes, config } = deps
  const value = randomBytes(32).toString('base64url')
  const id = newId('ses')
  const createdAt = now()
  const expiresAt = createdAt + sessionIdleMs
  stores.sessions.insert({ id, hash: sha256(value), ...granted, createdAt, expiresAt })
  reply.setCookie(sessionCookie, value, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    maxAge: sessionLivesMs / 1_000,
    secure: isSecure(config),
  })
  return { auth: 'session', sessionId: id, ...granted }
}

function endSession(request: FastifyRequest, deps: ApiDeps): void {
  if (request.headers.authorization !== undefined) return
  const before = principalOf(request, deps)
  if (!before?.sessionId) return
  deps.stores.sessions.delete(before.sessionId)
  deps.hub.drop({ sessionId: before.sessionId })
}
