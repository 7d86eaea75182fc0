import type { RouteOptions } from 'fastify'
import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'

/** What the document needs of a route. */
export type Described = Pick<RouteOptions, 'method' | 'url' | 'schema'>

/**
 * Collects the routes' own schemas for the OpenAPI document, which is made when somebody first asks for it; must come
 * before the routes. The answers' schemas serve nothing else (`present.ts` decides what leaves), so they go no further.
 */
export function addOpenApi(app: App, { config }: ApiDeps): void {
  const routes: Described[] = []
  app.addHook('onRoute', (route) => {
    const { method, url, schema } = route
    if (!schema || schema.hide === true) return
    routes.push({ method, url, schema })
    const { response: _, ...checked } = schema
    route.schema = checked
  })
  let made: Promise<object> | undefined
  app.get(
    '/api/v1/openapi.json',
    { config: { role: 'public' }, schema: { hide: true } },
    async () => {
      made ??= import('./openapi-document.ts').then(({ openApiDocument }) =>
        openApiDocument(routes, config.version),
      )
      return made
    },
  )
}
