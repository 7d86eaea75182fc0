import type { Range } from '../../schema/range.ts'
import { rangeText } from '../format.ts'
import type { Attempt } from '../shape.ts'
import type { Shown } from '../state.ts'

const dayMs = 86_400_000

/** What a range is called: its day, its hour with the end, or that it is the whole stream. */
export function rangeTitle(range: Pick<Range, 'start' | 'end'>, zone: string): string {
  if (!range.start || !range.end) return 'Full read'
  const start = Date.parse(range.start)
  const end = Date.parse(range.end)
  return rangeText(start, end, end - start < dayMs * 0.9, zone)
}

const outcomes: Record<Attempt['outcome'], Shown> = {
  running: { state: 'running', label: 'running' },
  complete: { state: 'complete', label: 'complete' },
  recovered: { state: 'complete', label: 'recovered' },
  failed: { state: 'failed', label: 'failed' },
  cancelled: { state: 'pending', label: 'cancelled' },
  interrupted: { state: 'waiting', label: 'interrupted' },
}

export const attemptShown = (outcome: Attempt['outcome']): Shown =>
  outcomes[outcome] ?? { state: 'pending', label: outcome }
