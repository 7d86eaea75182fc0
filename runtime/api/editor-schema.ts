import { type JsonSchema, manifestJsonSchema } from '../../schema/manifest/json-schema.ts'
import type { App } from './app.ts'

/**
 * The JSON Schema of manifests, for editors: a first line `# yaml-language-server: $schema=<server>/schema/manifest.json`
 * in a manifest gives completion and checks while it is written.
 */
export function editorSchemaRoutes(app: App): void {
  let made: JsonSchema | undefined
  app.get(
    '/schema/manifest.json',
    { config: { role: 'public' }, schema: { hide: true } },
    async () => {
      made ??= manifestJsonSchema()
      return made
    },
  )
}
