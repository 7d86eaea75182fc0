import Type, { type Static } from 'typebox'
import { StreamCapabilities, streamCapabilities } from './capabilities.ts'
import { ManifestIssue } from './issue.ts'
import type { Manifest } from './manifest.ts'

const Choice = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

/** One field of the form that makes a source. */
export const ConnectorField = Type.Object({
  name: Type.String(),
  type: Type.Enum(['string', 'integer', 'number', 'boolean', 'list', 'date', 'json']),
  title: Type.String(),
  help: Type.Optional(Type.String()),
  secret: Type.Boolean(),
  required: Type.Boolean(),
  default: Type.Optional(Type.Unknown()),
  enum: Type.Optional(Type.Array(Choice)),
  pattern: Type.Optional(Type.String({ description: 'RE2 syntax' })),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  show_if: Type.Optional(Type.String({ description: 'expression over config' })),
})
export type ConnectorField = Static<typeof ConnectorField>

/** A connector as the API shows it. A broken one has its issues and nothing else to offer. */
export const ConnectorInfo = Type.Object({
  id: Type.String(),
  name: Type.String(),
  version: Type.String(),
  description: Type.Optional(Type.String()),
  docs: Type.Optional(Type.String()),
  status: Type.Enum(['ok', 'broken']),
  fields: Type.Array(ConnectorField),
  streams: Type.Array(Type.Intersect([Type.Object({ name: Type.String() }), StreamCapabilities])),
  issues: Type.Array(ManifestIssue),
})
export type ConnectorInfo = Static<typeof ConnectorInfo>

/** A manifest as the API shows it, with the warnings of its file. */
export function describeConnector(manifest: Manifest, issues: ManifestIssue[] = []): ConnectorInfo {
  const { id, name, version, description, docs } = manifest
  return {
    id,
    name,
    version,
    ...(description === undefined ? {} : { description }),
    ...(docs === undefined ? {} : { docs }),
    status: 'ok',
    fields: Object.keys(manifest.config).map((field) => fieldInfo(manifest, field)),
    streams: Object.keys(manifest.streams).flatMap((stream) => {
      const capabilities = streamCapabilities(manifest, stream)
      return capabilities ? [{ name: stream, ...capabilities }] : []
    }),
    issues,
  }
}

/** A file that does not load is listed with what is wrong with it, under the name of the file. */
export function describeBrokenConnector(id: string, issues: ManifestIssue[]): ConnectorInfo {
  return { id, name: id, version: '', status: 'broken', fields: [], streams: [], issues }
}

/** `client_id` → `Client id` where the author gives no title. */
const titleOf = (name: string): string => {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function fieldInfo(manifest: Manifest, name: string): ConnectorField {
  const { values, title, ...field } = manifest.config[name] as Manifest['config'][string]
  const choices = field.enum ?? (values ? Object.keys(values) : undefined)
  return {
    name,
    ...field,
    title: title ?? titleOf(name),
    ...(choices ? { enum: choices } : {}),
  }
}
