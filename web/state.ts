import type { CalendarLetter, Range } from '../schema/range.ts'
import type { Run } from '../schema/run.ts'
import type { Stream } from '../schema/stream.ts'

/** The states that people tell apart at a glance, each with a glyph and a colour of its own. */
export type State = 'pending' | 'running' | 'complete' | 'waiting' | 'failed'

export const stateGlyphs: Record<State, string> = {
  pending: '○',
  running: '◐',
  complete: '●',
  waiting: '◷',
  failed: '✕',
}

export interface LetterMeaning {
  state: State
  label: string
  glyph: string
  /** name of the colour's custom property */
  color: string
}

/** What each calendar letter means, in the order of the legend. */
export const letterMeanings: Record<CalendarLetter, LetterMeaning> = {
  c: { state: 'complete', label: 'complete', glyph: '■', color: '--state-complete' },
  o: { state: 'complete', label: 'complete, still open', glyph: '□', color: '--state-open' },
  r: { state: 'running', label: 'running', glyph: '◐', color: '--state-running' },
  p: { state: 'pending', label: 'pending', glyph: '·', color: '--state-pending' },
  w: {
    state: 'waiting',
    label: 'failed, will be tried again',
    glyph: '◷',
    color: '--state-waiting',
  },
  x: { state: 'failed', label: 'complete, refresh failed', glyph: '◩', color: '--state-complete' },
  f: { state: 'failed', label: 'failed', glyph: '✕', color: '--state-failed' },
}

/**
 * The calendar's letter for a range as the API shows it. A failed range without `due_at` waits for a
 * person, unless the failure was not counted as a try: then it is due at once.
 */
export function letterOf(range: Range): CalendarLetter {
  if (range.status === 'running') return 'r'
  if (range.committed_at !== null) {
    if (range.status === 'failed' || range.error !== null) return 'x'
    return range.sealed ? 'c' : 'o'
  }
  if (range.status === 'failed') return range.due_at === null && range.tries > 0 ? 'f' : 'w'
  return range.status === 'complete' ? 'c' : 'p'
}

export interface Shown {
  state: State
  label: string
}

/** State and words for a run. */
export function runShown(run: Pick<Run, 'status' | 'cancelling'>): Shown {
  if (run.cancelling && (run.status === 'running' || run.status === 'queued')) {
    return { state: 'waiting', label: 'cancelling…' }
  }
  switch (run.status) {
    case 'queued':
      return { state: 'waiting', label: 'queued' }
    case 'running':
      return { state: 'running', label: 'running' }
    case 'complete':
      return { state: 'complete', label: 'complete' }
    case 'partial':
      return { state: 'failed', label: 'partly failed' }
    case 'failed':
      return { state: 'failed', label: 'failed' }
    case 'cancelled':
      return { state: 'pending', label: 'cancelled' }
  }
}

/** State and words for a stream: what it does now, else what is wrong, else how complete it is. */
export function streamShown(
  stream: Pick<Stream, 'enabled' | 'ranges'>,
  run: Pick<Run, 'status' | 'cancelling'> | undefined,
): Shown {
  if (run && (run.status === 'running' || run.status === 'queued')) return runShown(run)
  if (stream.ranges.failed > 0) return { state: 'failed', label: `${stream.ranges.failed} failed` }
  if (!stream.enabled) return { state: 'pending', label: 'disabled' }
  if (stream.ranges.total === 0) return { state: 'pending', label: 'not synced yet' }
  if (stream.ranges.complete === stream.ranges.total)
    return { state: 'complete', label: 'up to date' }
  return { state: 'pending', label: 'work is due' }
}

/** True while a run can still be cancelled. */
export const isActive = (run: Pick<Run, 'status'> | undefined): boolean =>
  run?.status === 'running' || run?.status === 'queued'
