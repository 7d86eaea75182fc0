import Fastify, { type FastifyBaseLogger, LogController } from 'fastify'
import type { App } from './app.ts'
import { addConsole } from './console.ts'
import type { ApiDeps } from './deps.ts'
import { type HealthDeps, healthRoutes } from './health.ts'
import { checkHost } from './origin.ts'
import { noRoute, sendProblem } from './problem.ts'
import { addSecurityHeaders } from './security-headers.ts'

export type DoorDeps = HealthDeps & Pick<ApiDeps, 'log'>

const requestTimeoutMs = 60_000
const apiPaths = /^\/(api(\/|\?|$)|(schema\/manifest\.json|metrics)(\?|$))/

/**
 * Where all requests come in, ready for `listen` or `inject`. It answers health checks and hands out the console by
 * itself, so it can be opened before the API is built; what is asked of the API meanwhile waits for it.
 */
export async function buildDoor(deps: DoorDeps, api: Promise<App>): Promise<App> {
  const door: App = Fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: deps.config.trustProxy,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    // Nothing here takes or shapes data. Left out, the compilers for it would be loaded.
    schemaController: {
      compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler },
    },
  })
  door.addHook('onRequest', async (request, reply) => {
    if (!apiPaths.test(request.url)) return checkHost(request, deps.config)
    reply.hijack()
    try {
      const { routing } = await api
      routing(request.raw, reply.raw)
    } catch {
      request.raw.destroy() // the start failed, and the process ends
    }
  })
  door.setErrorHandler(sendProblem)
  addSecurityHeaders(door, deps.config)
  healthRoutes(door, deps)
  const serveConsole = addConsole()
  door.setNotFoundHandler((request, reply) => {
    if (['GET', 'HEAD'].includes(request.method)) return serveConsole(request, reply)
    throw noRoute(request)
  })
  door.addHook('preClose', () =>
    api.then(
      (app) => app.close(),
      () => {},
    ),
  )
  return door
}

function noCompiler(): never {
  throw new Error('the door has no schemas')
}
