import type { ConfigField } from '../../schema/manifest/config-field.ts'

/** What the console uses of an entry of `GET /connectors`. */
export interface Connector {
  /** what a source names as its connector */
  id: string
  name: string
  docs?: string
  /** false: its file has errors and no source can use it */
  ok: boolean
  config: Record<string, ConfigField>
}
