import { durationMs } from '../../schema/common.ts'
import { untilUnchangedWord } from '../../schema/revisit.ts'
import type { Stream } from '../../schema/stream.ts'

/** How people choose for how long closed days are read again. */
export type RevisitKind = 'advised' | 'off' | 'days' | 'until_unchanged'

export interface Revisit {
  kind: RevisitKind
  /** a number of days, or any duration that was set by the API */
  days: string
}

export const revisitKinds: { value: RevisitKind; label: string }[] = [
  { value: 'advised', label: 'As the connector advises' },
  { value: 'off', label: 'Off' },
  { value: 'days', label: 'For some days' },
  { value: 'until_unchanged', label: 'Until it stops changing' },
]

export function revisitOf(lookback: Stream['lookback']): Revisit {
  if (lookback === null) return { kind: 'advised', days: '' }
  if (lookback === untilUnchangedWord) return { kind: 'until_unchanged', days: '' }
  if (durationMs(lookback) === 0) return { kind: 'off', days: '' }
  return { kind: 'days', days: lookback.replace(/^(\d+)d$/, '$1') }
}

/** As the API takes it; what is no number of days is left to the API to judge. */
export function lookbackOf({ kind, days }: Revisit): string | null {
  switch (kind) {
    case 'advised':
      return null
    case 'off':
      return '0'
    case 'until_unchanged':
      return untilUnchangedWord
    case 'days': {
      const text = days.trim()
      return /^\d+$/.test(text) ? `${text}d` : text
    }
  }
}

export const revisitHelp: Record<RevisitKind, string> = {
  advised: 'The connector knows how long its data may change.',
  off: 'A day is final once it has ended and settled.',
  days: 'Closed days are read again at growing ages, up to this one; then they are final.',
  until_unchanged:
    'Closed days are read again at growing ages until two reads find nothing changed; after 28 days they are final.',
}
