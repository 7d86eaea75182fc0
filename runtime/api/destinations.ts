import Type from 'typebox'
import {
  CheckResult,
  Destination,
  DestinationCreate,
  DestinationPatch,
} from '../../schema/destination.ts'
import type { DestinationRow } from '../store/destinations.ts'
import type { App } from './app.ts'
import { workspaceOf } from './auth.ts'
import { destinationConfigErrors } from './config-input.ts'
import type { ApiDeps } from './deps.ts'
import {
  changeDestination,
  invalidDestination as code,
  createDestination,
  removeDestination,
} from './destination-changes.ts'
import { checkIfMatch, sendTagged, versionTag } from './etag.ts'
import { idParams, listOf, NoBody, operation, pageQuery, query } from './operation.ts'
import { idPage } from './paging.ts'
import { presentDestination } from './present.ts'
import { notFound, unprocessable } from './problem.ts'

const tag = 'destinations'
const params = idParams('dst')
const ops = {
  list: operation({
    id: 'listDestinations',
    summary: 'List destinations',
    tag,
    role: 'viewer',
    query: query({
      ...pageQuery,
      name: Type.Optional(Type.String()),
      type: Type.Optional(Type.String()),
    }),
    answer: { 200: listOf(Destination) },
  }),
  create: operation({
    id: 'createDestination',
    summary: 'Create a destination',
    tag,
    role: 'admin',
    body: DestinationCreate,
    answer: { 201: Destination },
  }),
  get: operation({
    id: 'getDestination',
    summary: 'Get a destination',
    tag,
    role: 'viewer',
    params,
    answer: { 200: Destination },
  }),
  patch: operation({
    id: 'updateDestination',
    summary: 'Change a destination; secrets that are absent stay, null deletes',
    tag,
    role: 'admin',
    params,
    body: DestinationPatch,
    answer: { 200: Destination },
  }),
  remove: operation({
    id: 'deleteDestination',
    summary: 'Delete a destination that no connection uses; its data stays',
    tag,
    role: 'admin',
    params,
    answer: { 204: Type.Null() },
  }),
  check: operation({
    id: 'checkDestination',
    summary: 'Try a destination, step by step',
    tag,
    role: 'operator',
    params,
    body: NoBody,
    answer: { 200: CheckResult },
  }),
  checkNew: operation({
    id: 'checkNewDestination',
    summary: 'Try a destination before it is created',
    tag,
    role: 'admin',
    body: Type.Object(
      {
        workspace_id: DestinationCreate.properties.workspace_id,
        type: DestinationCreate.properties.type,
        config: DestinationCreate.properties.config,
      },
      { additionalProperties: false },
    ),
    answer: { 200: CheckResult },
  }),
}

export function destinationRoutes(app: App, deps: ApiDeps): void {
  const { stores, engine, secrets } = deps
  const find = (request: Parameters<typeof workspaceOf>[0], id: string): DestinationRow => {
    const row = stores.destinations.get(workspaceOf(request, deps).id, id)
    if (!row) throw notFound('destination', id)
    return row
  }
  app.get('/api/v1/destinations', ops.list, async (request) => {
    const workspace = workspaceOf(request, deps)
    const { name, type } = request.query
    const filter = { ...(name ? { name } : {}), ...(type ? { type } : {}) }
    const read = (page: { after?: string; limit: number }) =>
      stores.destinations.list(workspace.id, { ...filter, ...page })
    return idPage(request.query, read, presentDestination)
  })
  app.post('/api/v1/destinations', ops.create, async (request, reply) => {
    const row = createDestination(workspaceOf(request, deps).id, request.body, deps)
    reply.code(201).header('location', `/api/v1/destinations/${row.id}`)
    return sendTagged(reply, versionTag(row.version), presentDestination(row))
  })
  app.get('/api/v1/destinations/:id', ops.get, async (request, reply) => {
    const row = find(request, request.params.id)
    return sendTagged(reply, versionTag(row.version), presentDestination(row))
  })
  app.patch('/api/v1/destinations/:id', ops.patch, async (request, reply) => {
    const row = find(request, request.params.id)
    checkIfMatch(request, versionTag(row.version))
    const changed = changeDestination(row, request.body, deps)
    return sendTagged(reply, versionTag(changed.version), presentDestination(changed))
  })
  app.delete('/api/v1/destinations/:id', ops.remove, async (request, reply) => {
    const row = find(request, request.params.id)
    checkIfMatch(request, versionTag(row.version))
    removeDestination(row, deps)
    reply.code(204)
  })
  app.post('/api/v1/destinations/check', ops.checkNew, async (request) => {
    const { type, config } = request.body
    const errors = destinationConfigErrors(type, config)
    if (errors.length > 0) throw unprocessable(code, errors)
    return await engine.checkDestination(type, config)
  })
  app.post('/api/v1/destinations/:id/check', ops.check, async (request) => {
    const row = find(request, request.params.id)
    const config = secrets.decryptConfig({ kind: 'destination', id: row.id }, row.config)
    return await engine.checkDestination(row.type, config)
  })
}
