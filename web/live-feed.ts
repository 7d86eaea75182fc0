import { type EventTopic, eventTopics, type ServerEvent } from '../schema/event.ts'

/** How the connection to the event stream is. `since` is when the last state began, epoch ms. */
export interface FeedState {
  status: 'connecting' | 'live' | 'reconnecting'
  since: number
}

export type FeedMessage =
  | { kind: 'events'; events: ServerEvent[] }
  | { kind: 'state'; state: FeedState }

interface SourceLike {
  readonly readyState: number
  addEventListener(type: string, listener: (event: { data?: string }) => void): void
  close(): void
}

export interface FeedOptions {
  open: (url: string) => SourceLike
  emit: (message: FeedMessage) => void
  now?: () => number
  /** events are handed on in batches this far apart, so that a burst costs one update */
  batchMs?: number
  /** first wait before a refused connection is opened anew; doubles to thirty seconds */
  retryMs?: number
}

const closed = 2
const maxRetryMs = 30_000
/** More than this between two batches is cheaper to read anew. */
const maxBatch = 5_000

/**
 * One EventSource and its reconnection. The browser resumes by Last-Event-ID on its own after a
 * broken connection; after a refusal it gives up, so we open again and tell everybody to read anew.
 */
export class LiveFeed {
  readonly #options: Required<FeedOptions>
  readonly #url: string
  #source: SourceLike | undefined
  #pending: ServerEvent[] = []
  #batchTimer: ReturnType<typeof setTimeout> | undefined
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #retryMs: number
  #state: FeedState

  constructor(options: FeedOptions) {
    this.#options = { now: Date.now, batchMs: 100, retryMs: 1_000, ...options }
    this.#url = `/api/v1/events?topics=${eventTopics.join(',')}`
    this.#retryMs = this.#options.retryMs
    this.#state = { status: 'connecting', since: this.#options.now() }
  }

  get state(): FeedState {
    return this.#state
  }

  start(): void {
    if (this.#source || this.#retryTimer) return
    this.#open()
  }

  stop(): void {
    clearTimeout(this.#batchTimer)
    clearTimeout(this.#retryTimer)
    this.#batchTimer = undefined
    this.#retryTimer = undefined
    this.#pending = []
    this.#source?.close()
    this.#source = undefined
  }

  #open(missed = false): void {
    const source = this.#options.open(this.#url)
    this.#source = source
    source.addEventListener('open', () => {
      this.#retryMs = this.#options.retryMs
      this.#setState('live')
      if (missed) this.#add({ topic: 'resync', data: {} })
    })
    source.addEventListener('error', () => {
      if (this.#source !== source) return
      this.#setState('reconnecting')
      if (source.readyState === closed) this.#reopenLater()
    })
    for (const topic of eventTopics) {
      source.addEventListener(topic, (event) => this.#receive(topic, event.data))
    }
  }

  #reopenLater(): void {
    this.#source?.close()
    this.#source = undefined
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined
      this.#open(true)
    }, this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, maxRetryMs)
  }

  #receive(topic: EventTopic, data: string | undefined): void {
    let value: unknown
    try {
      value = JSON.parse(data || '{}')
    } catch {
      return // a line that is no JSON says nothing; the next refetch heals what it meant
    }
    if (typeof value === 'object' && value !== null) {
      this.#add({ topic, data: value } as ServerEvent)
    }
  }

  #add(event: ServerEvent): void {
    this.#pending.push(event)
    if (this.#pending.length > maxBatch) this.#pending = [{ topic: 'resync', data: {} }]
    this.#batchTimer ??= setTimeout(() => {
      this.#batchTimer = undefined
      const events = this.#pending
      this.#pending = []
      this.#options.emit({ kind: 'events', events })
    }, this.#options.batchMs)
  }

  #setState(status: FeedState['status']): void {
    if (this.#state.status === status) return
    this.#state = { status, since: this.#options.now() }
    this.#options.emit({ kind: 'state', state: this.#state })
  }
}
