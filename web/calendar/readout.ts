import { createEffect, createSignal, on, onCleanup } from 'solid-js'
import type { Range } from '../../schema/range.ts'
import { api } from '../api.ts'
import { count, rangeText } from '../format.ts'
import { letterMeanings } from '../state.ts'
import { onEvent } from '../store/store.ts'
import type { CalendarModel } from './model.ts'

/** Resting this long on a cell asks for its details. */
const restMs = 180
const maxCached = 500

/** What is said of one cell: when it is, and what is known of it. */
export interface Readout {
  when: string
  what: string
}

/** Words for a range beyond its date. */
export function rangeWords(range: Range): string {
  const parts = [`${count(range.records)} records`]
  if (range.tries > 0) parts.push(`${range.tries} failed ${range.tries === 1 ? 'try' : 'tries'}`)
  if (range.rejects > 0) parts.push(`${count(range.rejects)} rejected`)
  if (range.waiting) parts.push(`waiting: ${range.waiting}`)
  if (range.error) parts.push(range.error.message)
  return parts.join(' · ')
}

/**
 * The text for the cell under the pointer or the keyboard's cursor. Date and state are there at
 * once; records, tries and error follow when the pointer rests.
 */
export function readoutOf(model: CalendarModel, index: () => number): () => Readout | undefined {
  const cache = new Map<string, Range>()
  const [version, setVersion] = createSignal(0)
  const keep = (range: Range) => {
    cache.delete(range.id)
    cache.set(range.id, range)
    if (cache.size > maxCached) cache.delete(cache.keys().next().value as string)
    setVersion((value) => value + 1)
  }
  onCleanup(
    onEvent((event) => {
      if (event.topic !== 'range' || event.data.stream_id !== model.streamId) return
      if (cache.has(event.data.id)) keep(event.data)
      else if (index() >= 0 && model.id(index()) === event.data.id) keep(event.data)
    }),
  )
  createEffect(
    on(index, (at) => {
      if (at < 0 || cache.has(model.id(at))) return
      const timer = setTimeout(() => {
        api.get<Range>(`/ranges/${model.id(at)}`).then(keep, () => {}) // date and state are shown anyhow
      }, restMs)
      onCleanup(() => clearTimeout(timer))
    }),
  )
  return () => {
    version()
    const at = index()
    if (at < 0 || at >= model.length) return undefined
    const hourly = model.granularity === 'hour'
    const start = (model.starts[at] as number) * 1_000
    const range = cache.get(model.id(at))
    const meaning = letterMeanings[model.letter(at)]
    return {
      when: rangeText(start, model.end(at) * 1_000, hourly, model.zone),
      what: [meaning.label, range ? rangeWords(range) : ''].filter(Boolean).join(' · '),
    }
  }
}
