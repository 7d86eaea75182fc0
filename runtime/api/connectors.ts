import Type from 'typebox'
import { StreamCapabilities, streamCapabilities } from '../../schema/manifest/capabilities.ts'
import { ConfigField } from '../../schema/manifest/config-field.ts'
import { ManifestIssue } from '../../schema/manifest/issue.ts'
import { loadManifest } from '../../schema/manifest/load.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import type { Connector as Loaded } from '../connectors.ts'
import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'
import { listOf, operation } from './operation.ts'
import { notFound } from './problem.ts'

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
  streams: Type.Array(OfferedStream),
  issues: Type.Array(ManifestIssue),
})

const Validation = Type.Object({
  ok: Type.Boolean(),
  issues: Type.Array(ManifestIssue),
  id: Type.Union([Type.String(), Type.Null()]),
  streams: Type.Array(OfferedStream),
})

const tag = 'connectors'
const params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) })
const maxManifestLength = 1_000_000
const ops = {
  list: operation({
    id: 'listConnectors',
    summary: 'List connectors, broken ones with their errors',
    tag,
    role: 'viewer',
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
}

export function connectorRoutes(app: App, { connectors }: ApiDeps): void {
  const find = (name: string): Loaded => {
    connectors.refresh()
    const found = connectors.get(name)
    if (!found) throw notFound('connector', name)
    return found
  }
  // A few dozen files: one page always holds them all.
  app.get('/api/v1/connectors', ops.list, async () => {
    connectors.refresh()
    return { data: connectors.list().map(present), next_cursor: null }
  })
  app.get('/api/v1/connectors/:name', ops.get, async (request) =>
    present(find(request.params.name)),
  )
  app.get('/api/v1/connectors/:name/manifest', ops.manifest, async (request, reply) =>
    reply.type('application/yaml; charset=utf-8').send(find(request.params.name).text),
  )
  app.post('/api/v1/connectors/validate', ops.validate, async (request) => {
    const { manifest, issues } = loadManifest(request.body.manifest, 'manifest.yaml')
    const streams = manifest ? offeredStreams(manifest) : []
    return { ok: manifest !== undefined, issues, id: manifest?.id ?? null, streams }
  })
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
    streams: manifest ? offeredStreams(manifest) : [],
    issues,
  }
}

const offeredStreams = (manifest: Manifest) =>
  Object.keys(manifest.streams).flatMap((name) => {
    const capabilities = streamCapabilities(manifest, name)
    return capabilities ? [{ name, ...capabilities }] : []
  })
