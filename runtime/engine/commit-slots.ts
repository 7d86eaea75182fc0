/** Commits that a destination takes at once; the rest wait in order. None is held while an API is read. */
export class CommitSlots {
  readonly #byDestination = new Map<
    string,
    { limit: number; held: number; waiting: (() => void)[] }
  >()

  /**
   * Calls `grant` when a slot is free, at once if one is.
   * @returns gives the slot back, or leaves the queue; safe to call twice
   */
  request(destinationId: string, limit: number, grant: () => void): () => void {
    const slots = this.#slots(destinationId, limit)
    let state: 'waiting' | 'held' | 'over' = 'waiting'
    const take = (): void => {
      state = 'held'
      slots.held += 1
      grant()
    }
    if (slots.held < slots.limit) take()
    else slots.waiting.push(take)
    return () => {
      if (state === 'over') return
      if (state === 'held') slots.held -= 1
      if (state === 'waiting') slots.waiting.splice(slots.waiting.indexOf(take), 1)
      state = 'over'
      while (slots.held < slots.limit && slots.waiting.length > 0) slots.waiting.shift()?.()
      if (slots.held === 0 && slots.waiting.length === 0) this.#byDestination.delete(destinationId)
    }
  }

  #slots(destinationId: string, limit: number) {
    const known = this.#byDestination.get(destinationId)
    if (known) {
      known.limit = limit
      return known
    }
    const fresh = { limit, held: 0, waiting: [] as (() => void)[] }
    this.#byDestination.set(destinationId, fresh)
    return fresh
  }
}
