import Type from 'typebox'
import { eventTopics } from '../../schema/event.ts'
import type { App } from './app.ts'
import { callerOf, workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { topicsOf } from './events.ts'
import { operation, query } from './operation.ts'
import { ApiProblem, unprocessable } from './problem.ts'

const streamOp = operation({
  id: 'streamEvents',
  summary: 'Server-sent events; resumes by Last-Event-ID, a gap gives resync',
  tag: 'events',
  role: 'viewer',
  query: query({
    topics: Type.Optional(
      Type.String({ maxLength: 500, description: `some of ${eventTopics.join(', ')}` }),
    ),
    last_event_id: Type.Optional(Type.String({ maxLength: 100 })),
  }),
  answer: { 200: Type.String({ description: 'text/event-stream' }) },
})

export function eventRoutes(app: App, deps: ApiDeps): void {
  const { hub } = deps
  app.get('/api/v1/events', { ...streamOp, exposeHeadRoute: false }, async (request, reply) => {
    const { keyId, sessionId } = callerOf(request)
    const workspaceId = workspaceOf(request, deps).id
    const topics = topicsOf(request.query.topics)
    if (!topics) {
      throw unprocessable('query.invalid', [
        { pointer: '/topics', detail: `some of ${eventTopics.join(', ')}` },
      ])
    }
    if (hub.isFull()) {
      throw new ApiProblem(503, 'events.too_many', 'too many event streams are open', {
        remedy: 'close some, or try again later',
        headers: { 'retry-after': '10' },
      })
    }
    const header = request.headers['last-event-id']
    const lastEventId = typeof header === 'string' ? header : request.query.last_event_id
    const headers = reply.getHeaders() as Record<string, string>
    reply.hijack()
    // The server's limit is for requests that never end; this answer is meant not to.
    request.raw.socket.setTimeout(0)
    reply.raw.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    const resume = lastEventId === undefined ? {} : { lastEventId }
    hub.connect(reply.raw, { workspaceId, keyId, sessionId, topics, ...resume })
  })
}
