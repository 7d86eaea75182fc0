import Type from 'typebox'
import { Zone } from '../../schema/common.ts'
import { IdOf } from '../../schema/id-schema.ts'
import { StreamCapabilities, streamCapabilities } from '../../schema/manifest/capabilities.ts'
import { ConfigField } from '../../schema/manifest/config-field.ts'
import { ManifestIssue } from '../../schema/manifest/issue.ts'
import type { LoadedManifest } from '../../schema/manifest/load.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import { agreedSignIn } from '../../schema/manifest/rotating.ts'
import type { Connector as Loaded } from '../connectors.ts'
import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'
import { listOf, maxLimit, operation, pageQuery, query } from './operation.ts'
import { decodeCursor, pageOf } from './paging.ts'
import { PreviewAnswer, preview, previewFields } from './preview.ts'
import { notFound, unprocessable } from './problem.ts'

const OfferedStream = Type.Object({ name: Type.String(), ...StreamCapabilities.properties })

const Connector = Type.Object({
  id: Type.String({ description: 'what a source names as its connector' }),
  name: Type.String(),
  version: Type.Union([Type.String(), Type.Null()]),
  description: Type.Optional(Type.String()),
  docs: Type.Optional(Type.String()),
  origin: Type.Enum(['built_in', 'folder']),
  ok: Type.Boolean({ description: 'false: its file has errors and no source can use it' }),
  config: Type.Record(Type.String(), ConfigField, { description: 'the form of a source' }),
  authorize: Type.Union([Type.String(), Type.Null()], {
    description:
      'the field of config that GET /sources/{id}/authorize fills, where somebody agrees to the access in a browser',
  }),
  streams: Type.Array(OfferedStream),
  issues: Type.Array(ManifestIssue),
})

const Validation = Type.Object({
  ok: Type.Boolean(),
  issues: Type.Array(ManifestIssue),
  id: Type.Union([Type.String(), Type.Null()]),
  streams: Type.Array(OfferedStream),
})

const previewBody = {
  config: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  timezone: Type.Optional(Zone),
  record: Type.Optional(Type.Boolean({ description: 'answer with a fixture to replay' })),
  replay: Type.Optional(Type.String({ description: 'a fixture, instead of the API itself' })),
}

const tag = 'connectors'
const params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) })
const maxManifestLength = 1_000_000
const ops = {
  list: operation({
    id: 'listConnectors',
    summary: 'List connectors, broken ones with their errors',
    tag,
    role: 'viewer',
    query: query({
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: maxLimit })),
      cursor: pageQuery.cursor,
    }),
    answer: { 200: listOf(Connector) },
  }),
  get: operation({
    id: 'getConnector',
    summary: 'Get a connector: its config fields and streams',
    tag,
    role: 'viewer',
    params,
    answer: { 200: Connector },
  }),
  manifest: operation({
    id: 'getConnectorManifest',
    summary: "Get a connector's manifest as YAML",
    tag,
    role: 'viewer',
    params,
    answer: { 200: Type.String() },
  }),
  validate: operation({
    id: 'validateConnector',
    summary: 'Check a manifest; errors come with line and column',
    tag,
    role: 'viewer',
    body: Type.Object(
      { manifest: Type.String({ maxLength: maxManifestLength, description: 'YAML' }) },
      { additionalProperties: false },
    ),
    answer: { 200: Validation },
  }),
  preview: operation({
    id: 'previewConnector',
    summary: 'Try a stream of a manifest against its API; nothing is stored',
    tag,
    role: 'admin',
    keepsAnswer: false,
    body: Type.Object(
      {
        workspace_id: Type.Optional(IdOf('ws')),
        manifest: Type.Optional(
          Type.String({ maxLength: maxManifestLength, description: 'YAML; or give connector' }),
        ),
        connector: Type.Optional(Type.String({ description: 'a known connector' })),
        ...previewFields,
        ...previewBody,
      },
      { additionalProperties: false },
    ),
    answer: { 200: PreviewAnswer },
  }),
}

export function connectorRoutes(app: App, deps: ApiDeps): void {
  const { connectors, workbench } = deps
  const find = async (name: string): Promise<Loaded> => {
    await connectors.refresh()
    const found = connectors.get(name)
    if (!found) throw notFound('connector', name)
    return found
  }
  app.get('/api/v1/connectors', ops.list, async (request) => {
    await connectors.refresh()
    const all = connectors.list()
    // A few dozen files: without a limit one page holds them all.
    const { limit = all.length, cursor } = request.query
    const after = cursor === undefined ? 0 : decodeCursor(cursor, ['number'])[0]
    const rows = all
      .slice(after)
      .map((connector, index) => ({ connector, next: after + index + 1 }))
    return pageOf(
      rows,
      limit,
      ({ next }) => [next],
      ({ connector }) => present(connector),
    )
  })
  app.get('/api/v1/connectors/:name', ops.get, async (request) =>
    present(await find(request.params.name)),
  )
  app.get('/api/v1/connectors/:name/manifest', ops.manifest, async (request, reply) =>
    reply.type('application/yaml; charset=utf-8').send((await find(request.params.name)).text),
  )
  app.post('/api/v1/connectors/validate', ops.validate, async (request) => {
    const { manifest, issues } = await loadGiven(request.body.manifest, workbench)
    const streams = manifest ? offeredStreams(manifest) : []
    return { ok: manifest !== undefined, issues, id: manifest?.id ?? null, streams }
  })
  app.post('/api/v1/connectors/preview', ops.preview, async (request) => {
    const { body } = request
    const manifest = await manifestToTry(body, deps)
    return preview(manifest, { config: {}, ...body }, deps)
  })
}

async function loadGiven(text: string, workbench: ApiDeps['workbench']): Promise<LoadedManifest> {
  const [loaded] = await workbench.load([{ file: 'manifest.yaml', text }])
  return loaded ?? { issues: [] }
}

/** Throws ApiProblem 422 that names every error of a manifest, or 404. */
async function manifestToTry(
  { manifest: text, connector }: { manifest?: string; connector?: string },
  { connectors, workbench }: ApiDeps,
): Promise<Manifest> {
  if ((text === undefined) === (connector === undefined))
    throw unprocessable('preview.invalid', [
      { pointer: '/manifest', detail: 'exactly one of manifest and connector is needed' },
    ])
  await connectors.refresh()
  if (connector !== undefined && !connectors.get(connector)) throw notFound('connector', connector)
  const { manifest, issues } =
    text === undefined
      ? (connectors.get(connector ?? '') as Loaded)
      : await loadGiven(text, workbench)
  if (manifest) return manifest
  const errors = issues
    .filter((issue) => issue.severity === 'error')
    .map(({ line, column, message, remedy }) => ({
      pointer: '/manifest',
      detail: `line ${line}, column ${column}: ${message}`,
      remedy,
    }))
  throw unprocessable('connector.invalid', errors)
}

function present({ id, origin, manifest, issues }: Loaded) {
  return {
    id,
    name: manifest?.name ?? id,
    version: manifest?.version ?? null,
    ...(manifest?.description === undefined ? {} : { description: manifest.description }),
    ...(manifest?.docs === undefined ? {} : { docs: manifest.docs }),
    origin,
    ok: manifest !== undefined,
    config: manifest?.config ?? {},
    authorize: (manifest && agreedSignIn(manifest)?.field) ?? null,
    streams: manifest ? offeredStreams(manifest) : [],
    issues,
  }
}

const offeredStreams = (manifest: Manifest) =>
  Object.keys(manifest.streams).flatMap((name) => {
    const capabilities = streamCapabilities(manifest, name)
    return capabilities ? [{ name, ...capabilities }] : []
  })
