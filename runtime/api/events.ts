import type { ServerResponse } from 'node:http'
import { type EventTopic, eventTopics, type ServerEvent } from '../../schema/event.ts'

/** Events kept for clients that come back; progress is never kept, it is outdated at once. */
const ringSize = 2_000
/** Events waiting for one slow client, after coalescing; beyond it the client reads everything anew. */
const maxQueued = 2_000
/** Events gather this long, so that changes of one thing become one event. */
const gatherMs = 50
const heartbeatMs = 15_000
const maxClients = 500
const retryMs = 2_000

interface Entry {
  seq: number
  id: string
  /** null: for every workspace */
  workspaceId: string | null
  topic: EventTopic
  /** events of one key replace each other while they wait */
  key: string
  /** as it goes to clients; made when the first one takes it, which for most events none does */
  text: () => string
}

/** An event that is made when somebody wants it; its topic and what tells its thing from others are known before. */
export interface LateEvent {
  topic: EventTopic
  /** id of what it tells of */
  id: string
  make: () => ServerEvent
}

export interface Subscription {
  workspaceId: string
  keyId: string | null
  sessionId: string | null
  topics: ReadonlySet<EventTopic>
  lastEventId?: string
}

export type EventHub = ReturnType<typeof makeEventHub>

/**
 * Live events for browsers and scripts.
 * @param instance tells the ids of this process from those of an earlier one, whose events are gone
 */
export function makeEventHub(instance: string) {
  const clients = new Set<Client>()
  const listeners = new Set<(event: ServerEvent) => void>()
  const ring: Entry[] = []
  let seq = 0
  const idOf = (at: number) => `${instance}-${at}`

  const publishLate = (workspaceId: string | null, { topic, id, make }: LateEvent): void => {
    seq += 1
    const event = atFirstCall(make)
    for (const listener of listeners) listener(event())
    const isKept = topic !== 'progress'
    if (!isKept && clients.size === 0) return
    const eventId = idOf(seq)
    const text = atFirstCall(
      () => `id: ${eventId}\nevent: ${topic}\ndata: ${JSON.stringify(event().data)}\n\n`,
    )
    const entry: Entry = { seq, id: eventId, workspaceId, topic, key: `${topic} ${id}`, text }
    if (isKept && ring.push(entry) > ringSize) ring.shift()
    for (const client of clients) client.offer(entry)
  }
  const publish = (workspaceId: string | null, event: ServerEvent): void =>
    publishLate(workspaceId, { topic: event.topic, id: idIn(event), make: () => event })

  /** What a client missed; undefined when that can't be said any more. */
  const missedSince = (lastEventId: string): Entry[] | undefined => {
    const [from, text] = lastEventId.split('-')
    const last = Number(text)
    if (from !== instance || !Number.isSafeInteger(last) || last > seq) return undefined
    const oldest = ring[0]?.seq ?? seq + 1
    const isWhole = ring.length < ringSize || last >= oldest - 1
    return isWhole ? ring.filter((entry) => entry.seq > last) : undefined
  }

  return {
    publish,
    /** The same for what happens often and is heard by nobody most of the time. */
    publishLate,
    /** Hears every event of every workspace in this process; returns how to stop. */
    listen: (listener: (event: ServerEvent) => void): (() => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    isFull: () => clients.size >= maxClients,
    clients: () => clients.size,
    /** Takes over a response and sends events until either side closes it. */
    connect: (response: ServerResponse, subscription: Subscription): void => {
      const client = new Client(response, subscription)
      clients.add(client)
      response.once('close', () => {
        clients.delete(client)
        client.close()
      })
      // An id of its own, so that a client which comes back before any event came knows from where.
      response.write(`retry: ${retryMs}\nid: ${idOf(seq)}\n\n`)
      if (subscription.lastEventId === undefined) return
      const missed = missedSince(subscription.lastEventId)
      if (missed) for (const entry of missed) client.offer(entry)
      else client.resync(idOf(seq))
    },
    /** Ends the streams of a key that was deleted or a session that ended. */
    drop: (of: { keyId?: string; sessionId?: string }): void => {
      for (const { subscription, close } of clients) {
        const isMeant =
          (of.keyId !== undefined && subscription.keyId === of.keyId) ||
          (of.sessionId !== undefined && subscription.sessionId === of.sessionId)
        if (isMeant) close()
      }
    },
    close: (): void => {
      for (const client of clients) client.close()
    },
  }
}

function atFirstCall<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** One open stream: a bounded queue that coalesces by key, written when the socket takes it. */
class Client {
  readonly subscription: Subscription
  readonly #response: ServerResponse
  readonly #queue = new Map<string, () => string>()
  readonly #heartbeat: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined
  #isBlocked = false
  #isClosed = false

  constructor(response: ServerResponse, subscription: Subscription) {
    this.#response = response
    this.subscription = subscription
    this.#heartbeat = setInterval(() => {
      if (!this.#isBlocked) this.#write(': still here\n\n')
    }, heartbeatMs)
  }

  offer(entry: Entry): void {
    const { workspaceId, topics } = this.subscription
    if (entry.workspaceId !== null && entry.workspaceId !== workspaceId) return
    if (!topics.has(entry.topic)) return
    // Deleted first: ids must reach the client in order.
    this.#queue.delete(entry.key)
    this.#queue.set(entry.key, entry.text)
    if (this.#queue.size > maxQueued) this.resync(entry.id)
    this.#schedule()
  }

  /** Tells the client to read everything anew instead of what waits for it. */
  resync(id: string): void {
    this.#queue.clear()
    this.#queue.set('resync', () => `id: ${id}\nevent: resync\ndata: {}\n\n`)
    this.#schedule()
  }

  readonly close = (): void => {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#heartbeat)
    clearTimeout(this.#timer)
    this.#response.end()
  }

  #schedule(): void {
    if (this.#isBlocked || this.#isClosed) return
    this.#timer ??= setTimeout(() => this.#flush(), gatherMs)
  }

  #flush(): void {
    this.#timer = undefined
    if (this.#queue.size === 0) return
    const text = [...this.#queue.values()].map((make) => make()).join('')
    this.#queue.clear()
    this.#write(text)
  }

  #write(text: string): void {
    if (this.#isClosed || this.#response.write(text)) return
    this.#isBlocked = true
    this.#response.once('drain', () => {
      this.#isBlocked = false
      this.#schedule()
    })
  }
}

/** Events of one thing replace each other; lines of the log and notifications each count. */
function idIn(event: ServerEvent): string {
  switch (event.topic) {
    case 'progress':
      return event.data.run_id
    case 'scheduler':
    case 'resync':
      return ''
    default:
      return String(event.data.id)
  }
}

/** The topics of `?topics=a,b`; all when it is not given. Undefined when one is unknown. */
export function topicsOf(text: string | undefined): Set<EventTopic> | undefined {
  if (text === undefined) return new Set(eventTopics)
  const asked = text.split(',').filter((topic) => topic !== '')
  const known = asked.filter((topic): topic is EventTopic =>
    eventTopics.includes(topic as EventTopic),
  )
  return known.length === asked.length ? new Set([...known, 'resync']) : undefined
}
