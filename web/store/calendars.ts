import { createSignal } from 'solid-js'
import type { Calendar } from '../../schema/range.ts'
import { api } from '../api.ts'
import { CalendarModel } from '../calendar/model.ts'
import { onEvent } from './store.ts'

/** Calendars by stream. Each model is patched in place; the signal changes when one is read anew. */
const [models, setModels] = createSignal<ReadonlyMap<string, CalendarModel>>(new Map())
/** Counts patches, for readers of sums (coverage, strips); at most a few a second. */
const [patches, setPatches] = createSignal(0)

export { patches }

export const calendarOf = (streamId: string): CalendarModel | undefined => models().get(streamId)

const loading = new Map<string, Promise<void>>()

/** Reads a stream's calendar, once however many ask at the same time. Throws ProblemError. */
export function loadCalendar(streamId: string): Promise<void> {
  const under = loading.get(streamId)
  if (under) return under
  const job = api
    .get<Calendar>(`/streams/${streamId}/calendar`)
    .then((calendar) => {
      setModels((all) => new Map(all).set(streamId, new CalendarModel(calendar)))
    })
    .finally(() => loading.delete(streamId))
  loading.set(streamId, job)
  return job
}

/** A calendar that misses ranges (time went on, a frontier moved) is read anew, not more often than this. */
const refreshMs = 2_000
/** An empty one shows nothing at all, so its first ranges should not wait. */
const firstRefreshMs = 250
const stale = new Map<string, ReturnType<typeof setTimeout>>()

function refreshLater(streamId: string): void {
  if (stale.has(streamId)) return
  const timer = setTimeout(
    () => {
      stale.delete(streamId)
      loadCalendar(streamId).catch(() => {}) // the next event of an unknown range tries again
    },
    models().get(streamId)?.length ? refreshMs : firstRefreshMs,
  )
  stale.set(streamId, timer)
}

const sumsMs = 500
let sumsDue = false

function noteSums(): void {
  if (sumsDue) return
  sumsDue = true
  setTimeout(() => {
    sumsDue = false
    setPatches((value) => value + 1)
  }, sumsMs)
}

/** Keeps loaded calendars up to date with live events; returns how to stop. */
export function followCalendars(): () => void {
  return onEvent((event) => {
    if (event.topic === 'resync') {
      for (const streamId of models().keys()) refreshLater(streamId)
      return
    }
    if (event.topic !== 'range') return
    const model = models().get(event.data.stream_id)
    if (!model) return
    if (!model.patch(event.data)) refreshLater(event.data.stream_id)
    noteSums()
  })
}
