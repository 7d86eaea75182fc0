import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import type { Described } from './openapi.ts'

/** The OpenAPI 3.1 document of these routes, made by an app that has the routes and never serves them. */
export async function openApiDocument(routes: Described[], version: string): Promise<object> {
  const app = Fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Derrick',
        version,
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
  for (const route of routes) app.route({ ...route, handler: async () => null })
  await app.ready()
  const document = app.swagger()
  await app.close()
  return document
}
