import Type from 'typebox'
import { CheckResult } from '../../schema/destination.ts'
import { StreamCapabilities } from '../../schema/manifest/capabilities.ts'
import { Source, SourceCreate, SourcePatch } from '../../schema/source.ts'
import type { SourceRow } from '../store/sources.ts'
import type { App } from './app.ts'
import { workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { checkIfMatch, sendTagged, versionTag } from './etag.ts'
import { idParams, listOf, NoBody, operation, pageQuery, query } from './operation.ts'
import { idPage } from './paging.ts'
import { presentSource } from './present.ts'
import { PreviewAnswer, preview, previewFields } from './preview.ts'
import { notFound } from './problem.ts'
import {
  changeSource,
  checkNewSource,
  createSource,
  offeredStreams,
  removeSource,
  requireManifest,
} from './source-changes.ts'

const OfferedStream = Type.Object({
  name: Type.String(),
  enabled: Type.Boolean({ description: "false: this source's config leaves it out" }),
  ...StreamCapabilities.properties,
})

const tag = 'sources'
const params = idParams('src')
const ops = {
  list: operation({
    id: 'listSources',
    summary: 'List sources',
    tag,
    role: 'viewer',
    query: query({
      ...pageQuery,
      name: Type.Optional(Type.String()),
      connector: Type.Optional(Type.String()),
    }),
    answer: { 200: listOf(Source) },
  }),
  create: operation({
    id: 'createSource',
    summary: 'Create a source',
    tag,
    role: 'admin',
    body: SourceCreate,
    answer: { 201: Source },
  }),
  get: operation({
    id: 'getSource',
    summary: 'Get a source',
    tag,
    role: 'viewer',
    params,
    answer: { 200: Source },
  }),
  patch: operation({
    id: 'updateSource',
    summary: 'Change a source; secrets that are absent stay, null deletes',
    tag,
    role: 'admin',
    params,
    body: SourcePatch,
    answer: { 200: Source },
  }),
  remove: operation({
    id: 'deleteSource',
    summary: 'Delete a source that no connection uses',
    tag,
    role: 'admin',
    params,
    answer: { 204: Type.Null() },
  }),
  check: operation({
    id: 'checkSource',
    summary: 'Try a source',
    tag,
    role: 'operator',
    params,
    body: NoBody,
    answer: { 200: CheckResult },
  }),
  checkNew: operation({
    id: 'checkNewSource',
    summary: 'Try a source before it is created',
    tag,
    role: 'admin',
    body: Type.Object(
      {
        workspace_id: SourceCreate.properties.workspace_id,
        connector: SourceCreate.properties.connector,
        config: SourceCreate.properties.config,
      },
      { additionalProperties: false },
    ),
    answer: { 200: CheckResult },
  }),
  preview: operation({
    id: 'previewSource',
    summary: 'Try a stream of a source: requests, answers, records, types; nothing is stored',
    tag,
    role: 'operator',
    keepsAnswer: false,
    params,
    body: Type.Object(
      { workspace_id: SourceCreate.properties.workspace_id, ...previewFields },
      { additionalProperties: false },
    ),
    answer: { 200: PreviewAnswer },
  }),
  streams: operation({
    id: 'listSourceStreams',
    summary: 'What a source offers, with what each stream can do',
    tag,
    role: 'viewer',
    params,
    answer: { 200: listOf(OfferedStream) },
  }),
}

export function sourceRoutes(app: App, deps: ApiDeps): void {
  const { stores, connectors, engine, secrets } = deps
  const find = (request: Parameters<typeof workspaceOf>[0], id: string): SourceRow => {
    const row = stores.sources.get(workspaceOf(request, deps).id, id)
    if (!row) throw notFound('source', id)
    return row
  }
  const present = (row: SourceRow) => presentSource(row, connectors)

  app.get('/api/v1/sources', ops.list, async (request) => {
    const workspace = workspaceOf(request, deps)
    const { name, connector } = request.query
    const filter = { ...(name ? { name } : {}), ...(connector ? { connector } : {}) }
    const read = (page: { after?: string; limit: number }) =>
      stores.sources.list(workspace.id, { ...filter, ...page })
    return idPage(request.query, read, present)
  })
  app.post('/api/v1/sources', ops.create, async (request, reply) => {
    await connectors.refresh()
    const row = createSource(workspaceOf(request, deps), request.body, deps)
    reply.code(201).header('location', `/api/v1/sources/${row.id}`)
    return sendTagged(reply, versionTag(row.version), present(row))
  })
  app.get('/api/v1/sources/:id', ops.get, async (request, reply) => {
    const row = find(request, request.params.id)
    return sendTagged(reply, versionTag(row.version), present(row))
  })
  app.patch('/api/v1/sources/:id', ops.patch, async (request, reply) => {
    const row = find(request, request.params.id)
    checkIfMatch(request, versionTag(row.version))
    const changed = changeSource(row, request.body, deps)
    return sendTagged(reply, versionTag(changed.version), present(changed))
  })
  app.delete('/api/v1/sources/:id', ops.remove, async (request, reply) => {
    const row = find(request, request.params.id)
    checkIfMatch(request, versionTag(row.version))
    removeSource(row, deps)
    reply.code(204)
  })
  app.post('/api/v1/sources/check', ops.checkNew, async (request) => {
    const { connector, config = {} } = request.body
    await connectors.refresh()
    checkNewSource(connector, config, deps)
    return await engine.checkSource(connector, config)
  })
  app.post('/api/v1/sources/:id/check', ops.check, async (request) => {
    const row = find(request, request.params.id)
    const config = secrets.decryptConfig({ kind: 'source', id: row.id }, row.config)
    return await engine.checkSource(row.connector, config, row.id)
  })
  app.post('/api/v1/sources/:id/preview', ops.preview, async (request) => {
    const row = find(request, request.params.id)
    const manifest = requireManifest(row.connector, deps)
    const config = secrets.decryptConfig({ kind: 'source', id: row.id }, row.config)
    const { id, connector, timezone } = row
    return preview(manifest, { ...request.body, config, timezone, source: { id, connector } }, deps)
  })
  app.get('/api/v1/sources/:id/streams', ops.streams, async (request) => ({
    data: offeredStreams(find(request, request.params.id), deps),
    next_cursor: null,
  }))
}
