import { setImmediate as turn } from 'node:timers/promises'

let last: Promise<void> = Promise.resolve()

/** Lets everything else have its turn before long work goes on. */
export const breathe = (): Promise<void> => turn()

/**
 * The same for plans, of which hundreds may be under way: one of them goes on in a turn of the event loop, so that all
 * together hold nobody longer than one does.
 */
export function breatheInLine(): Promise<void> {
  last = last.then(() => turn())
  return last
}
