import { batch, createSignal } from 'solid-js'
import { createStore, produce, reconcile } from 'solid-js/store'
import type { Connection } from '../../schema/connection.ts'
import type { Destination } from '../../schema/destination.ts'
import type { ServerEvent } from '../../schema/event.ts'
import type { Range } from '../../schema/range.ts'
import type { Run } from '../../schema/run.ts'
import type { Source } from '../../schema/source.ts'
import type { Stream } from '../../schema/stream.ts'
import { api, listAll } from '../api.ts'
import { startLive } from '../live.ts'
import type { FeedState } from '../live-feed.ts'
import type { Listed, Session, Status } from '../shape.ts'
import { applyEvent, emptyWorld, putRun, type World } from './world.ts'

/** The one store of the console. Pages read from it; only the functions below write to it. */
const [world, setWorld] = createStore<World>(emptyWorld())
const [session, setSession] = createSignal<Session | undefined>()
const [feed, setFeed] = createSignal<FeedState>({ status: 'connecting', since: Date.now() })
/** Ticks once a second: for "5 min ago", estimates and the like. */
const [now, setNow] = createSignal(Date.now())
/** Counts how often everything had to be read anew; pages with lists of their own follow it. */
const [epoch, setEpoch] = createSignal(0)

export { epoch, feed, now, session, setSession, world }

type EventListener = (event: ServerEvent) => void
const listeners = new Set<EventListener>()

/** Hears every live event after the store took it over. Returns how to stop. */
export function onEvent(listener: EventListener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Changes the store in place, in one update. */
export const change = (edit: (draft: World) => void): void => setWorld(produce(edit))

function byId<T extends { id: string }>(items: readonly T[]): Record<string, T> {
  return Object.fromEntries(items.map((item) => [item.id, item]))
}

const recentRuns = 100

/** Reads everything that the shell and the overview show. Throws ProblemError. */
export async function loadWorld(): Promise<void> {
  const [sources, destinations, connections, streams, runs, status] = await Promise.all([
    listAll<Source>('/sources'),
    listAll<Destination>('/destinations'),
    listAll<Connection>('/connections'),
    listAll<Stream>('/streams'),
    api.get<Listed<Run>>('/runs', { limit: recentRuns }),
    api.get<Status>('/status'),
  ])
  batch(() => {
    setWorld('sources', reconcile(byId(sources)))
    setWorld('destinations', reconcile(byId(destinations)))
    setWorld('connections', reconcile(byId(connections)))
    setWorld('streams', reconcile(byId(streams)))
    change((draft) => {
      draft.scheduler = status.scheduler
      for (const run of runs.data) putRun(draft, run)
      for (const progress of status.progress) {
        applyEvent(draft, { topic: 'progress', data: progress }, Date.now())
      }
    })
  })
  void loadFailures(streams)
}

/** Sources have no events of their own: what pauses or frees one is notified. */
async function loadSources(): Promise<void> {
  const sources = await listAll<Source>('/sources').catch(() => undefined)
  if (sources) setWorld('sources', reconcile(byId(sources)))
}

/** Streams whose latest failure is looked up after loading; more would only slow the page down. */
const maxFailureLookups = 20

async function loadFailures(streams: readonly Stream[]): Promise<void> {
  const failing = streams.filter((stream) => stream.ranges.failed > 0).slice(0, maxFailureLookups)
  for (const stream of failing) {
    const found = await api
      .get<Listed<Range>>(`/streams/${stream.id}/ranges`, { status: 'failed', limit: 1 })
      .catch(() => undefined)
    const range = found?.data[0]
    if (!range) continue
    change((draft) => applyEvent(draft, { topic: 'range', data: range }, Date.now()))
  }
}

export async function loadSession(): Promise<Session> {
  const found = await api.get<Session>('/session')
  setSession(found)
  return found
}

/** Reading anew after missed events waits this long, so that a restart costs one reading. */
const resyncDelayMs = 300
/** The first reading waits this long for the live feed, so that nothing happens between the two. */
const feedWaitMs = 1_000

/**
 * Starts the live feed, reads everything, and keeps it up to date. Events that come while
 * everything is being read are applied after it: they are newer than what was read.
 * Resolves when the first reading is done. Throws its ProblemError; nothing runs then.
 */
export async function startStore(): Promise<() => void> {
  let held: ServerEvent[] | undefined
  let resyncTimer: ReturnType<typeof setTimeout> | undefined
  let opened = () => {}
  const live = new Promise<void>((resolve) => {
    opened = resolve
  })
  const apply = (events: readonly ServerEvent[]) => {
    const at = Date.now()
    change((draft) => {
      for (const event of events) applyEvent(draft, event, at)
    })
    for (const event of events) for (const listener of listeners) listener(event)
    if (events.some((event) => event.topic === 'notification')) void loadSources()
  }
  const read = async () => {
    held = []
    try {
      await loadWorld()
    } finally {
      const events = held
      held = undefined
      apply(events)
    }
  }
  const readAnew = () => {
    resyncTimer ??= setTimeout(() => {
      resyncTimer = undefined
      read().then(
        () => setEpoch((value) => value + 1),
        () => {}, // the live badge shows that the server is away; its return brings another resync
      )
    }, resyncDelayMs)
  }
  const endLive = startLive((message) => {
    if (message.kind === 'state') {
      setFeed(message.state)
      if (message.state.status === 'live') opened()
      return
    }
    if (held) held.push(...message.events)
    else apply(message.events)
    if (message.events.some((event) => event.topic === 'resync')) readAnew()
  })
  const clock = setInterval(() => setNow(Date.now()), 1_000)
  const end = () => {
    endLive()
    clearInterval(clock)
    clearTimeout(resyncTimer)
  }
  try {
    const wait = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), feedWaitMs))
    const late = (await Promise.race([live, wait])) === 'late'
    await read()
    if (late) void live.then(readAnew)
  } catch (error) {
    end()
    throw error
  }
  return end
}
