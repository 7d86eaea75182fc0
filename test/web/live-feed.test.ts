import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { EventSource } from 'undici'
import { type FeedMessage, LiveFeed } from '../../web/live-feed.ts'

/** A server of events over real HTTP; each connection waits to be answered by the test. */
async function eventServer() {
  const asked: { response: ServerResponse; lastId: string | undefined; url: string }[] = []
  let wake = () => {}
  const server = createServer((request, response) => {
    asked.push({
      response,
      lastId: request.headers['last-event-id'] as string | undefined,
      url: request.url ?? '',
    })
    wake()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    base: `http://127.0.0.1:${port}`,
    next: async () => {
      while (asked.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return asked.shift() as (typeof asked)[number]
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function begin(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('retry: 10\n\n')
}

/** A feed over a real EventSource, and its messages one after the other. */
function openFeed(base: string) {
  const messages: FeedMessage[] = []
  let wake = () => {}
  const feed = new LiveFeed({
    open: (url) => new EventSource(base + url) as unknown as globalThis.EventSource,
    emit: (message) => {
      messages.push(message)
      wake()
    },
    batchMs: 5,
    retryMs: 10,
  })
  const next = async (wanted: (message: FeedMessage) => boolean): Promise<FeedMessage> => {
    for (;;) {
      const found = messages.shift()
      if (!found) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      } else if (wanted(found)) return found
    }
  }
  return { feed, next }
}

const isState = (status: string) => (message: FeedMessage) =>
  message.kind === 'state' && message.state.status === status
const isEvents = (message: FeedMessage) => message.kind === 'events'

t.test('events come in order and in batches, unreadable ones are dropped', async (t) => {
  const server = await eventServer()
  const { feed, next } = openFeed(server.base)
  t.teardown(() => {
    feed.stop()
    server.close()
  })
  feed.start()
  const { response, url } = await server.next()
  t.match(url, /^\/api\/v1\/events\?topics=.*range/)
  begin(response)
  await next(isState('live'))
  response.write('event: run\ndata: {"id":"run_1"}\n\n')
  response.write('event: run\ndata: not json\n\nevent: odd\ndata: {}\n\n')
  response.write('event: range\ndata: {"id":"rng_1"}\n\n')
  const events: unknown[] = []
  while (events.length < 2) {
    const message = await next(isEvents)
    if (message.kind === 'events') events.push(...message.events)
  }
  t.same(events, [
    { topic: 'run', data: { id: 'run_1' } },
    { topic: 'range', data: { id: 'rng_1' } },
  ])
})

t.test('a broken connection resumes where it was, without reading anew', async (t) => {
  const server = await eventServer()
  const { feed, next } = openFeed(server.base)
  t.teardown(() => {
    feed.stop()
    server.close()
  })
  feed.start()
  const first = await server.next()
  begin(first.response)
  first.response.write('id: 41\nevent: run\ndata: {"id":"run_1"}\n\n')
  await next(isEvents)
  first.response.destroy()
  await next(isState('reconnecting'))
  const second = await server.next()
  t.equal(second.lastId, '41')
  begin(second.response)
  await next(isState('live'))
  second.response.write('id: 42\nevent: run\ndata: {"id":"run_2"}\n\n')
  const message = await next(isEvents)
  t.same(message, { kind: 'events', events: [{ topic: 'run', data: { id: 'run_2' } }] })
})

t.test('after a refusal it opens again and says that events were missed', async (t) => {
  const server = await eventServer()
  const { feed, next } = openFeed(server.base)
  t.teardown(() => {
    feed.stop()
    server.close()
  })
  feed.start()
  const refused = await server.next()
  refused.response.writeHead(503).end()
  await next(isState('reconnecting'))
  const second = await server.next()
  begin(second.response)
  const message = await next(isEvents)
  t.same(message, { kind: 'events', events: [{ topic: 'resync', data: {} }] })
})
