import { setImmediate as turnOfLoop } from 'node:timers/promises'

let turn: () => Promise<unknown> = () => turnOfLoop()
let last: Promise<unknown> = Promise.resolve()

/** For a simulator, whose event loop is its own: how a turn of it passes. Who waits for one is left waiting. */
export function replaceTurn(next: () => Promise<unknown>): void {
  turn = next
  last = Promise.resolve()
}

/** Lets everything else have its turn before long work goes on. */
export async function breathe(): Promise<void> {
  await turn()
}

/**
 * The same for plans, of which hundreds may be under way: one of them goes on in a turn of the event loop, so that all
 * together hold nobody longer than one does.
 */
export async function breatheInLine(): Promise<void> {
  last = last.then(() => turn())
  await last
}
