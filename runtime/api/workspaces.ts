import Type from 'typebox'
import { Workspace, WorkspaceCreate } from '../../schema/workspace.ts'
import type { WorkspaceRow } from '../store/workspaces.ts'
import { defaultWorkspaceName } from '../store/workspaces.ts'
import type { App } from './app.ts'
import { callerOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { checkIfMatch, contentTag, sendTagged } from './etag.ts'
import { requireFreeName } from './free-name.ts'
import { idParams, listOf, operation, pageQuery, query } from './operation.ts'
import { idPage } from './paging.ts'
import { presentWorkspace } from './present.ts'
import { type Principal, requireUnbound } from './principal.ts'
import { ApiProblem, notFound } from './problem.ts'

const tag = 'workspaces'
const params = idParams('ws')
const ops = {
  list: operation({
    id: 'listWorkspaces',
    summary: 'List workspaces',
    tag,
    role: 'viewer',
    query: query(pageQuery),
    answer: { 200: listOf(Workspace) },
  }),
  create: operation({
    id: 'createWorkspace',
    summary: 'Create a workspace',
    tag,
    role: 'admin',
    body: WorkspaceCreate,
    answer: { 201: Workspace },
  }),
  get: operation({
    id: 'getWorkspace',
    summary: 'Get a workspace',
    tag,
    role: 'viewer',
    params,
    answer: { 200: Workspace },
  }),
  patch: operation({
    id: 'updateWorkspace',
    summary: 'Rename a workspace',
    tag,
    role: 'admin',
    params,
    body: WorkspaceCreate,
    answer: { 200: Workspace },
  }),
  remove: operation({
    id: 'deleteWorkspace',
    summary: 'Delete an empty workspace',
    tag,
    role: 'admin',
    params,
    answer: { 204: Type.Null() },
  }),
}

export function workspaceRoutes(app: App, deps: ApiDeps): void {
  const { workspaces } = deps.stores
  app.get('/api/v1/workspaces', ops.list, async (request) => {
    const bound = callerOf(request).workspaceId
    if (bound !== null) {
      return { data: [presentWorkspace(find(callerOf(request), bound, deps))], next_cursor: null }
    }
    return idPage(request.query, workspaces.list, presentWorkspace)
  })
  app.post('/api/v1/workspaces', ops.create, async (request, reply) => {
    requireUnbound(callerOf(request))
    requireFreeName(
      'workspace',
      request.body.name,
      deps.stores.workspaces.byName(request.body.name),
    )
    const row = { id: deps.newId('ws'), name: request.body.name, createdAt: deps.now() }
    workspaces.insert(row)
    reply.code(201).header('location', `/api/v1/workspaces/${row.id}`)
    return sendTagged(reply, tagOf(row), presentWorkspace(row))
  })
  app.get('/api/v1/workspaces/:id', ops.get, async (request, reply) => {
    const row = find(callerOf(request), request.params.id, deps)
    return sendTagged(reply, tagOf(row), presentWorkspace(row))
  })
  app.patch('/api/v1/workspaces/:id', ops.patch, async (request, reply) => {
    requireUnbound(callerOf(request))
    const row = find(callerOf(request), request.params.id, deps)
    checkIfMatch(request, tagOf(row))
    const { name } = request.body
    requireFreeName('workspace', name, deps.stores.workspaces.byName(name), row.id)
    requireUnused(row, 'is in use: what it has synced is filed under its name', deps)
    workspaces.rename(row.id, name)
    const renamed = { ...row, name }
    return sendTagged(reply, tagOf(renamed), presentWorkspace(renamed))
  })
  app.delete('/api/v1/workspaces/:id', ops.remove, async (request, reply) => {
    requireUnbound(callerOf(request))
    const row = find(callerOf(request), request.params.id, deps)
    checkIfMatch(request, tagOf(row))
    requireUnused(row, 'is not empty', deps)
    workspaces.delete(row.id)
    reply.code(204)
  })
}

const tagOf = (row: WorkspaceRow): string => contentTag(presentWorkspace(row))

function find(caller: Principal, id: string, { stores }: ApiDeps): WorkspaceRow {
  const isTheirs = caller.workspaceId === null || caller.workspaceId === id
  const row = isTheirs ? stores.workspaces.get(id) : undefined
  if (!row) throw notFound('workspace', id)
  return row
}

function requireUnused(row: WorkspaceRow, why: string, { stores }: ApiDeps): void {
  if (row.name === defaultWorkspaceName) {
    throw new ApiProblem(409, 'workspace.is_default', 'the workspace default always exists')
  }
  const users = stores.workspaces.users(row.id)
  if (users.length === 0) return
  throw new ApiProblem(409, 'workspace.in_use', `${row.name} ${why} (${users.join(', ')})`, {
    remedy: 'delete what is in it first',
  })
}
