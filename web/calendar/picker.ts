import { createEffect, createSignal, on } from 'solid-js'
import type { Stream } from '../../schema/stream.ts'
import { useUrl } from '../url.ts'
import { type Layout, moved } from './layout.ts'
import type { CalendarModel } from './model.ts'

/** Cells selected with Shift, by position; `from` is where the selection began. */
export interface Selection {
  from: number
  to: number
}

/** Adds a stream to the list of opened ones in the address. */
function opened(current: string | undefined, id: string): string {
  if (!current) return id
  return current.split(',').includes(id) ? current : `${current},${id}`
}

/** Pointer and keyboard on a calendar: which cell is meant, what is selected, opening a range. */
export function createPicker(
  model: CalendarModel,
  stream: Stream,
  layout: () => Layout | undefined,
) {
  const url = useUrl()
  const [cursor, setCursor] = createSignal(-1)
  const [hover, setHover] = createSignal(-1)
  const [selection, setSelection] = createSignal<Selection>()

  // A link to a range also shows where it is.
  createEffect(
    on(
      () => url.get('range'),
      (id) => {
        const index = id ? model.indexOf(id) : -1
        if (index >= 0) setCursor(index)
      },
    ),
  )
  const open = (index: number) => {
    setSelection(undefined)
    setCursor(index)
    url.set({ range: model.id(index), open: opened(url.get('open'), stream.id) }, { push: true })
  }
  const extend = (index: number) => {
    const anchor = selection()?.from ?? (cursor() >= 0 ? cursor() : index)
    setSelection({ from: anchor, to: index })
    setCursor(index)
  }
  const at = (event: MouseEvent): number => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    return layout()?.hit(event.clientX - box.left, event.clientY - box.top) ?? -1
  }
  const move = (event: KeyboardEvent, from: number): boolean => {
    const grid = layout()?.grid
    if (!grid || !/^(Arrow|Home$|End$|n$)/.test(event.key)) return false
    const to = cursor() < 0 ? from : moved(model, grid, from, event.key)
    if (event.shiftKey) extend(to)
    else {
      setSelection(undefined)
      setCursor(to)
    }
    return true
  }
  return {
    cursor,
    hover,
    selection,
    shown: () => (hover() >= 0 ? hover() : cursor()),
    clear: () => setSelection(undefined),
    onPointerMove: (event: PointerEvent) => setHover(at(event)),
    onPointerLeave: () => setHover(-1),
    onClick: (event: MouseEvent) => {
      const index = at(event)
      if (index < 0) return
      if (event.shiftKey) extend(index)
      else open(index)
    },
    onKeyDown: (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || model.length === 0) return
      const from = cursor() >= 0 ? cursor() : model.length - 1
      if (event.key === 'Enter' || event.key === ' ') open(from)
      else if (event.key === 'Escape' && selection()) setSelection(undefined)
      else if (!move(event, from)) return
      setHover(-1)
      event.preventDefault()
    },
  }
}
