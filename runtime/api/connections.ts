import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Connection, ConnectionCreate, ConnectionPatch } from '../../schema/connection.ts'
import { IdOf } from '../../schema/id-schema.ts'
import { Run } from '../../schema/run.ts'
import type { ConnectionRow } from '../store/connections.ts'
import type { App } from './app.ts'
import { callerOf, workspaceOf } from './auth.ts'
import {
  cancelConnection,
  changeConnection,
  createConnection,
  removeConnection,
  syncConnection,
} from './connection-changes.ts'
import type { ApiDeps } from './deps.ts'
import { checkIfMatch, sendTagged, versionTag } from './etag.ts'
import { idParams, listOf, NoBody, operation, pageQuery, query } from './operation.ts'
import { idPage } from './paging.ts'
import { presentConnection } from './present.ts'
import { notFound } from './problem.ts'

const Started = Type.Object({
  data: Type.Array(Type.Object({ ...Run.properties, joined: Type.Boolean() })),
  skipped: Type.Array(
    Type.Object({ stream_id: IdOf('str'), code: Type.String(), detail: Type.String() }),
  ),
})

const tag = 'connections'
const params = idParams('con')
const ops = {
  list: operation({
    id: 'listConnections',
    summary: 'List connections',
    tag,
    role: 'viewer',
    query: query({
      ...pageQuery,
      name: Type.Optional(Type.String()),
      source_id: Type.Optional(IdOf('src')),
      destination_id: Type.Optional(IdOf('dst')),
    }),
    answer: { 200: listOf(Connection) },
  }),
  create: operation({
    id: 'createConnection',
    summary: 'Bind a source to a destination',
    tag,
    role: 'admin',
    body: ConnectionCreate,
    answer: { 201: Connection },
  }),
  get: operation({
    id: 'getConnection',
    summary: 'Get a connection',
    tag,
    role: 'viewer',
    params,
    answer: { 200: Connection },
  }),
  patch: operation({
    id: 'updateConnection',
    summary: 'Change a connection',
    tag,
    role: 'admin',
    params,
    body: ConnectionPatch,
    answer: { 200: Connection },
  }),
  remove: operation({
    id: 'deleteConnection',
    summary: 'Delete a connection and its streams, never their data',
    tag,
    role: 'admin',
    params,
    answer: { 204: Type.Null() },
  }),
  sync: operation({
    id: 'syncConnection',
    summary: 'Sync what is due in all enabled streams',
    tag,
    role: 'operator',
    params,
    body: NoBody,
    answer: { 202: Started },
  }),
  cancel: operation({
    id: 'cancelConnection',
    summary: 'Cancel the runs of all streams',
    tag,
    role: 'operator',
    params,
    body: NoBody,
    answer: { 202: Type.Object({ data: Type.Array(Run) }) },
  }),
}

export function connectionRoutes(app: App, deps: ApiDeps): void {
  const { connections } = deps.stores
  const find = (request: FastifyRequest, id: string): ConnectionRow => {
    const row = connections.get(workspaceOf(request, deps).id, id)
    if (!row) throw notFound('connection', id)
    return row
  }
  app.get('/api/v1/connections', ops.list, async (request) => {
    const workspace = workspaceOf(request, deps)
    const { name, source_id: sourceId, destination_id: destinationId } = request.query
    const filter = {
      ...(name ? { name } : {}),
      ...(sourceId ? { sourceId } : {}),
      ...(destinationId ? { destinationId } : {}),
    }
    const read = (page: { after?: string; limit: number }) =>
      connections.list(workspace.id, { ...filter, ...page })
    return idPage(request.query, read, presentConnection)
  })
  app.post('/api/v1/connections', ops.create, async (request, reply) => {
    const row = createConnection(workspaceOf(request, deps), request.body, deps)
    reply.code(201).header('location', `/api/v1/connections/${row.id}`)
    return sendTagged(reply, versionTag(row.version), presentConnection(row))
  })
  app.get('/api/v1/connections/:id', ops.get, async (request, reply) => {
    const row = find(request, request.params.id)
    return sendTagged(reply, versionTag(row.version), presentConnection(row))
  })
  app.patch('/api/v1/connections/:id', ops.patch, async (request, reply) => {
    const row = find(request, request.params.id)
    checkIfMatch(request, versionTag(row.version))
    const changed = changeConnection(row, request.body, deps)
    return sendTagged(reply, versionTag(changed.version), presentConnection(changed))
  })
  app.delete('/api/v1/connections/:id', ops.remove, async (request, reply) => {
    const row = find(request, request.params.id)
    checkIfMatch(request, versionTag(row.version))
    await removeConnection(row, deps)
    reply.code(204)
  })
  app.post('/api/v1/connections/:id/sync', ops.sync, async (request, reply) => {
    const row = find(request, request.params.id)
    const trigger = callerOf(request).auth === 'key' ? 'api' : 'manual'
    return reply.code(202).send(syncConnection(row, trigger, deps))
  })
  app.post('/api/v1/connections/:id/cancel', ops.cancel, async (request, reply) => {
    return reply.code(202).send({ data: cancelConnection(find(request, request.params.id), deps) })
  })
}
