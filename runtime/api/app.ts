import type { IncomingMessage, ServerResponse } from 'node:http'
import cookie from '@fastify/cookie'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  LogController,
  type RawServerDefault,
} from 'fastify'
import { activityRoutes } from './activity.ts'
import { apiKeyRoutes } from './api-keys.ts'
import { applyRoutes } from './apply.ts'
import { addAuth } from './auth.ts'
import { authorizeRoutes } from './authorize.ts'
import { connectionRoutes } from './connections.ts'
import { connectorRoutes } from './connectors.ts'
import type { ApiDeps } from './deps.ts'
import { destinationRoutes } from './destinations.ts'
import { editorSchemaRoutes } from './editor-schema.ts'
import { eventRoutes } from './event-stream.ts'
import { addIdempotency } from './idempotency.ts'
import { metricsRoutes } from './metrics.ts'
import { notificationRoutes } from './notifications.ts'
import { addOpenApi } from './openapi.ts'
import { noRoute, sendProblem } from './problem.ts'
import { rangeRoutes } from './ranges.ts'
import { runRoutes } from './runs.ts'
import { addSecurityHeaders } from './security-headers.ts'
import { sessionRoutes } from './session.ts'
import { settingsRoutes } from './settings.ts'
import { sourceRoutes } from './sources.ts'
import { statusRoutes } from './status.ts'
import { streamActionRoutes } from './stream-actions.ts'
import { streamRangeRoutes } from './stream-ranges.ts'
import { streamRoutes } from './streams.ts'
import { validatorCompiler } from './validation.ts'
import { workspaceRoutes } from './workspaces.ts'

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

const bodyLimitBytes = 1024 * 1024

const resources = [
  workspaceRoutes,
  connectorRoutes,
  sourceRoutes,
  authorizeRoutes,
  destinationRoutes,
  connectionRoutes,
  streamRoutes,
  streamActionRoutes,
  streamRangeRoutes,
  runRoutes,
  rangeRoutes,
  activityRoutes,
  notificationRoutes,
  settingsRoutes,
  apiKeyRoutes,
  sessionRoutes,
  statusRoutes,
  applyRoutes,
  eventRoutes,
  metricsRoutes,
  editorSchemaRoutes,
]

/** The API with all its resources, ready to be asked. Requests come to it through the door. */
export async function buildApi(deps: ApiDeps): Promise<App> {
  const app: App = Fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: deps.config.trustProxy,
    bodyLimit: bodyLimitBytes,
    routerOptions: { maxParamLength: 256 },
    // Given here and not set later, or the compilers that these stand for would be loaded too.
    schemaController: {
      compilersFactory: {
        // Its type is that of the compiler which it stands for.
        buildValidator: (() => validatorCompiler) as never,
        // `present.ts` decides what leaves.
        buildSerializer: () => () => JSON.stringify,
      },
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  // Only JSON: other types can be sent by any page of any site without asking first.
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler(sendProblem)
  addSecurityHeaders(app, deps.config)
  await app.register(cookie)
  addAuth(app, deps)
  addIdempotency(app, deps)
  addOpenApi(app, deps)
  app.addHook('preClose', async () => deps.hub.close())
  // Requests that a crash cut off may be sent again.
  deps.stores.idempotency.abandon()
  for (const addRoutes of resources) addRoutes(app, deps)
  app.setNotFoundHandler((request) => {
    throw noRoute(request)
  })
  await app.ready()
  return app
}
