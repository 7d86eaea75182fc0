import swagger from '@fastify/swagger'
import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'

/** Collects the routes' own schemas into an OpenAPI document; must come before the routes. */
export async function addOpenApi(app: App, { config }: ApiDeps): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Derrick',
        version: config.version,
        description: 'Sources, destinations, streams, runs and ranges of a Derrick server.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'dk_live_ and 32 hex digits' },
          session: { type: 'apiKey', in: 'cookie', name: 'derrick_session' },
        },
      },
      security: [{ key: [] }, { session: [] }],
    },
  })
  app.get(
    '/api/v1/openapi.json',
    { config: { role: 'public' }, schema: { hide: true } },
    async () => app.swagger(),
  )
}
