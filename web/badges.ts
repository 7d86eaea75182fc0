import type { SchedulerState } from '../schema/event.ts'
import { ago } from './format.ts'
import type { FeedState } from './live-feed.ts'

export interface SchedulerShown {
  text: string
  title: string
  /** one entry a permit: in use or free; empty when there are too many to draw */
  slots: boolean[]
}

/** Permits drawn one by one up to this limit. */
const maxSlots = 8

export function schedulerShown(state: SchedulerState | null, now: number): SchedulerShown {
  if (!state) return { text: '–', title: 'The scheduler’s state is not known yet.', slots: [] }
  const { limit, in_use } = state.global
  const queued = state.queued > 0 ? ` +${state.queued}` : ''
  const tick = state.last_tick_at
    ? ` Last tick ${ago(Date.parse(state.last_tick_at), now)}.`
    : ' No tick yet.'
  return {
    text: `${in_use}/${limit}${queued}`,
    title: `Syncs: ${in_use} of ${limit} permits in use, ${state.queued} queued.${tick}`,
    slots: limit <= maxSlots ? Array.from({ length: limit }, (_, i) => i < in_use) : [],
  }
}

export interface FeedShown {
  text: string
  title: string
  tone: 'live' | 'wait' | 'stale'
}

/** A connection that stays away longer than this means that what is shown may be old. */
const staleAfterMs = 20_000

export function feedShown(state: FeedState, now: number): FeedShown {
  if (state.status === 'live') {
    return { text: 'live', title: 'Everything here updates by itself.', tone: 'live' }
  }
  const away = now - state.since
  if (state.status === 'connecting' && away < staleAfterMs) {
    return { text: 'connecting', title: 'The live connection is being opened.', tone: 'wait' }
  }
  if (away < staleAfterMs) {
    return { text: 'reconnecting', title: 'The live connection broke; trying again.', tone: 'wait' }
  }
  return {
    text: `stale for ${ago(state.since, now).replace(' ago', '')}`,
    title: 'The server can’t be reached; what is shown may be old. Trying again.',
    tone: 'stale',
  }
}
