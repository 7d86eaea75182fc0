import { useNavigate } from '@solidjs/router'
import { safeNext } from '../search.ts'
import { useUrl } from '../url.ts'
import type { Side, SideThing } from './side.ts'

/** What a form's end does to the address: closed, or, once saved, back to the page that wanted a new side. */
export function useFormUrl(side: Side): { close: () => void; saved: (thing: SideThing) => void } {
  const url = useUrl()
  const navigate = useNavigate()
  const close = () => url.set({ new: undefined, edit: undefined, next: undefined })
  const saved = (thing: SideThing) => {
    const next = url.get('next')
    if (!next) return close()
    const target = safeNext(next)
    navigate(`${target}${target.includes('?') ? '&' : '?'}${side}=${thing.id}`)
  }
  return { close, saved }
}
