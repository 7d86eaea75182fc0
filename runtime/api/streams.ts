import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { IdOf } from '../../schema/id-schema.ts'
import { Stream, StreamCreate, StreamPatch } from '../../schema/stream.ts'
import type { StreamRow } from '../store/streams.ts'
import type { App } from './app.ts'
import { workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { checkIfMatch, sendTagged, versionTag } from './etag.ts'
import { idParams, listOf, operation, pageQuery, query } from './operation.ts'
import { idPage } from './paging.ts'
import { presentStream } from './present.ts'
import { notFound } from './problem.ts'
import { changeStream, createStream, removeStream, streamSaved } from './stream-changes.ts'

const tag = 'streams'
const params = idParams('str')
const ops = {
  list: operation({
    id: 'listStreams',
    summary: 'List streams',
    tag,
    role: 'viewer',
    query: query({
      ...pageQuery,
      name: Type.Optional(Type.String()),
      connection_id: Type.Optional(IdOf('con')),
    }),
    answer: { 200: listOf(Stream) },
  }),
  create: operation({
    id: 'createStream',
    summary: 'Create a stream; what is not given follows from what the connector can do',
    tag,
    role: 'admin',
    body: StreamCreate,
    answer: { 201: Stream },
  }),
  get: operation({
    id: 'getStream',
    summary: 'Get a stream',
    tag,
    role: 'viewer',
    params,
    answer: { 200: Stream },
  }),
  patch: operation({
    id: 'updateStream',
    summary: 'Change a stream',
    tag,
    role: 'admin',
    params,
    body: StreamPatch,
    answer: { 200: Stream },
  }),
  remove: operation({
    id: 'deleteStream',
    summary: 'Delete a stream, never its data',
    tag,
    role: 'admin',
    params,
    answer: { 204: Type.Null() },
  }),
}

/** The stream of a route's id within the caller's workspace. Throws ApiProblem 404. */
export function findStream(request: FastifyRequest, id: string, deps: ApiDeps): StreamRow {
  const row = deps.stores.streams.get(workspaceOf(request, deps).id, id)
  if (!row) throw notFound('stream', id)
  return row
}

export function streamRoutes(app: App, deps: ApiDeps): void {
  const { stores } = deps
  app.get('/api/v1/streams', ops.list, async (request) => {
    const workspace = workspaceOf(request, deps)
    const { name, connection_id: connectionId } = request.query
    const filter = { ...(name ? { name } : {}), ...(connectionId ? { connectionId } : {}) }
    const read = (page: { after?: string; limit: number }) =>
      stores.streams.list(workspace.id, { ...filter, ...page })
    return idPage(request.query, read, (row) => presentStream(row, deps))
  })
  app.post('/api/v1/streams', ops.create, async (request, reply) => {
    const row = createStream(workspaceOf(request, deps), request.body, deps)
    reply.code(201).header('location', `/api/v1/streams/${row.id}`)
    return sendTagged(reply, versionTag(row.version), streamSaved(row, deps))
  })
  app.get('/api/v1/streams/:id', ops.get, async (request, reply) => {
    const row = findStream(request, request.params.id, deps)
    return sendTagged(reply, versionTag(row.version), presentStream(row, deps))
  })
  app.patch('/api/v1/streams/:id', ops.patch, async (request, reply) => {
    const row = findStream(request, request.params.id, deps)
    checkIfMatch(request, versionTag(row.version))
    const changed = changeStream(row, request.body, deps)
    return sendTagged(reply, versionTag(changed.version), streamSaved(changed, deps))
  })
  app.delete('/api/v1/streams/:id', ops.remove, async (request, reply) => {
    const row = findStream(request, request.params.id, deps)
    checkIfMatch(request, versionTag(row.version))
    await removeStream(row, deps)
    reply.code(204)
  })
}
