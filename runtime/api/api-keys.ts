import Type from 'typebox'
import { ApiKey, ApiKeyCreate } from '../../schema/api-key.ts'
import type { ApiKeyRow } from '../store/api-keys.ts'
import type { App } from './app.ts'
import { callerOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { addKey, hasAdminKey, localKeyId, newKey } from './keys.ts'
import { idParams, listOf, operation, pageQuery, query } from './operation.ts'
import { idPage } from './paging.ts'
import { presentApiKey } from './present.ts'
import type { Principal } from './principal.ts'
import { ApiProblem, notFound, unprocessable } from './problem.ts'

const tag = 'api_keys'
const role = 'admin'
const params = idParams('key')
const ops = {
  list: operation({
    id: 'listApiKeys',
    summary: 'List API keys',
    tag,
    role,
    query: query(pageQuery),
    answer: { 200: listOf(ApiKey) },
  }),
  create: operation({
    id: 'createApiKey',
    summary: 'Create an API key; the answer alone shows it',
    tag,
    role,
    body: ApiKeyCreate,
    answer: { 201: Type.Object({ ...ApiKey.properties, key: Type.String() }) },
  }),
  get: operation({
    id: 'getApiKey',
    summary: 'Get an API key, without the key',
    tag,
    role,
    params,
    answer: { 200: ApiKey },
  }),
  remove: operation({
    id: 'deleteApiKey',
    summary: 'Delete an API key; it and its sessions end at once',
    tag,
    role,
    params,
    answer: { 204: Type.Null() },
  }),
}

export function apiKeyRoutes(app: App, deps: ApiDeps): void {
  const { apiKeys } = deps.stores
  const find = (caller: Principal, id: string): ApiKeyRow => {
    const row = apiKeys.get(id)
    if (!row || !isTheirs(caller, row)) throw notFound('api_key', id)
    return row
  }
  app.get('/api/v1/api_keys', ops.list, async (request) => {
    const bound = callerOf(request).workspaceId
    return idPage(request.query, (page) => apiKeys.list(bound, page), presentApiKey)
  })
  app.post('/api/v1/api_keys', ops.create, async (request, reply) => {
    const { name, role: keyRole = 'viewer', workspace_id: asked } = request.body
    const workspaceId = boundTo(callerOf(request), asked, deps)
    const key = newKey(deps.randomBytes)
    const row = addKey(deps, key, { name, role: keyRole, workspaceId })
    reply.code(201).header('location', `/api/v1/api_keys/${row.id}`)
    return { ...presentApiKey(row), key }
  })
  app.get('/api/v1/api_keys/:id', ops.get, async (request) =>
    presentApiKey(find(callerOf(request), request.params.id)),
  )
  app.delete('/api/v1/api_keys/:id', ops.remove, async (request, reply) => {
    const row = find(callerOf(request), request.params.id)
    requireAnotherAdmin(row, deps)
    apiKeys.delete(row.id)
    deps.hub.drop({ keyId: row.id })
    reply.code(204)
  })
}

/** Keys that are bound to a workspace see and end only keys of that workspace. */
const isTheirs = (caller: Principal, row: ApiKeyRow): boolean =>
  caller.workspaceId === null || caller.workspaceId === row.workspaceId

/** A bound key can't make a key that may do more than itself. */
function boundTo(
  caller: Principal,
  asked: string | null | undefined,
  { stores }: ApiDeps,
): string | null {
  const own = caller.workspaceId
  const wanted = asked === undefined ? own : asked
  const isAllowed = own === null || wanted === own
  if (isAllowed && (wanted === null || stores.workspaces.get(wanted))) return wanted
  throw unprocessable('api_key.invalid', [
    { pointer: '/workspace_id', detail: 'there is no such workspace' },
  ])
}

/** Without any admin key nobody could make one but on the server's own host. */
function requireAnotherAdmin(row: ApiKeyRow, deps: ApiDeps): void {
  const isAdmin = row.role === 'admin' && row.workspaceId === null && row.id !== localKeyId
  const others = deps.stores.apiKeys.countAdmins() - 1
  const local = deps.stores.apiKeys.get(localKeyId) ? 1 : 0
  if (!isAdmin || !hasAdminKey(deps) || others > local) return
  throw new ApiProblem(409, 'api_key.last_admin', 'this is the last admin key', {
    remedy: 'create another admin key first',
  })
}
