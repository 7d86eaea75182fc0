import type { Bounds } from './ledger.ts'

const dayMs = 86_400_000
/** Ranges longer than this many days are looked through one by one. */
const mostDays = 366

/** Finds what overlaps a time among very many short intervals, by the UTC days that they touch. */
export class BoundsIndex<T extends Bounds> {
  readonly #days = new Map<number, T[]>()
  readonly #long: T[] = []
  readonly #all: T[] = []

  add(item: T): void {
    this.#all.push(item)
    const days = daysOf(item)
    if (!days) this.#long.push(item)
    for (const day of days ?? []) {
      const items = this.#days.get(day)
      if (items) items.push(item)
      else this.#days.set(day, [item])
    }
  }

  /** Everything that shares time with `bounds`, each once, what equals it included. */
  *overlapping(bounds: Bounds): Generator<T> {
    const days = daysOf(bounds)
    if (!days) {
      yield* this.#all.filter((item) => overlap(item, bounds))
      return
    }
    yield* this.#long.filter((item) => overlap(item, bounds))
    const seen = new Set<T>()
    for (const day of days) {
      for (const item of this.#days.get(day) ?? []) {
        if (seen.has(item) || !overlap(item, bounds)) continue
        seen.add(item)
        yield item
      }
    }
  }
}

const overlap = (a: Bounds, b: Bounds): boolean => a.start < b.end && b.start < a.end

/** UTC day numbers that an interval touches; null when there are too many. */
function daysOf({ start, end }: Bounds): number[] | null {
  const first = Math.floor(start / dayMs)
  const last = Math.floor((end - 1) / dayMs)
  if (!(last - first < mostDays)) return null
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
