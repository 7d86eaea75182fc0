import { type FeedMessage, LiveFeed } from './live-feed.ts'

/**
 * Starts the live feed of this tab and returns how to end it. The connection itself is in a shared
 * worker; where those don't exist, this tab has its own and closes it while it is hidden.
 */
export function startLive(emit: (message: FeedMessage) => void): () => void {
  return 'SharedWorker' in globalThis ? shared(emit) : own(emit)
}

function shared(emit: (message: FeedMessage) => void): () => void {
  const worker = new SharedWorker(new URL('./live-worker.ts', import.meta.url), {
    type: 'module',
    name: 'derrick-live',
  })
  const join = () => worker.port.postMessage('join')
  const leave = () => worker.port.postMessage('leave')
  worker.port.addEventListener('message', (event: MessageEvent<FeedMessage>) => emit(event.data))
  worker.port.start()
  join()
  // A page that the browser keeps for "back" hears nothing meanwhile and must read anew.
  const back = (event: PageTransitionEvent) => {
    if (!event.persisted) return
    join()
    emit({ kind: 'events', events: [{ topic: 'resync', data: {} }] })
  }
  addEventListener('pagehide', leave)
  addEventListener('pageshow', back)
  return () => {
    leave()
    removeEventListener('pagehide', leave)
    removeEventListener('pageshow', back)
  }
}

function own(emit: (message: FeedMessage) => void): () => void {
  const feed = new LiveFeed({ open: (url) => new EventSource(url), emit })
  const seen = () => {
    if (document.hidden) feed.stop()
    else {
      feed.start()
      emit({ kind: 'events', events: [{ topic: 'resync', data: {} }] })
    }
  }
  document.addEventListener('visibilitychange', seen)
  feed.start()
  return () => {
    document.removeEventListener('visibilitychange', seen)
    feed.stop()
  }
}
