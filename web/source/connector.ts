import type { ConfigField } from '../../schema/manifest/config-field.ts'
import { type FormField, fieldsOfManifest, fieldsOfSchema } from '../form/field.ts'

/** What `GET /connectors` says of one. */
export interface Connector {
  name: string
  title?: string
  version?: string
  docs?: string
  /** the manifest's description of the fields, or their JSON Schema */
  config?: Record<string, Partial<ConfigField>> | { type: 'object'; properties: object }
}

/** The form of a connector's config; empty while the connector is not known. */
export function connectorFields(connector: Connector | undefined): FormField[] {
  const config = connector?.config
  if (!config) return []
  // A manifest may have a field named `type`, but then it is an object and not the word.
  if (config.type === 'object') return fieldsOfSchema(config)
  return fieldsOfManifest(config as Record<string, Partial<ConfigField>>)
}
