import { type FeedMessage, LiveFeed } from './live-feed.ts'

// One connection for all tabs: over HTTP/1.1 a browser allows six to a host, and a seventh tab with
// its own event stream could load nothing any more.

interface SharedScope {
  addEventListener(type: 'connect', listener: (event: MessageEvent) => void): void
}

const ports = new Set<MessagePort>()
const feed = new LiveFeed({
  open: (url) => new EventSource(url),
  emit: (message) => {
    for (const port of ports) port.postMessage(message)
  },
})

function join(port: MessagePort): void {
  ports.add(port)
  feed.start()
  port.postMessage({ kind: 'state', state: feed.state } satisfies FeedMessage)
}

function leave(port: MessagePort): void {
  ports.delete(port)
  if (ports.size === 0) feed.stop()
}

;(self as unknown as SharedScope).addEventListener('connect', (event) => {
  const port = event.ports[0] as MessagePort
  port.addEventListener('message', (message: MessageEvent<'join' | 'leave'>) => {
    if (message.data === 'join') join(port)
    else leave(port)
  })
  port.start()
})
