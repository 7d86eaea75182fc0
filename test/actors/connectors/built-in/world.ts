import type { Faults } from './vendor.ts'

export type Json = Record<string, unknown>

/** A thing that an API holds, and its own time. */
export interface Item {
  ms: number
  record: Json
}

/** All that a simulated API holds, by collection, and what it has given out. */
export interface World {
  collections: Map<string, Item[]>
  /** times of what each answer held, in order */
  served: number[][]
}

export const makeWorld = (): World => ({ collections: new Map(), served: [] })

export function put(world: World, collection: string, ms: number, record: Json): void {
  const items = world.collections.get(collection)
  if (items) items.push({ ms, record })
  else world.collections.set(collection, [{ ms, record }])
}

export const itemsOf = (world: World, collection: string): Item[] =>
  world.collections.get(collection) ?? []

/** For things that stand in no range, such as parents: no test of a time holds for it. */
export const timeless: number = Number.NaN

/** Oldest first; of the same time in the order of their making. */
export const byTime = (items: readonly Item[]): Item[] => [...items].sort((a, b) => a.ms - b.ms)

/** One page from a place in a list, and where the next begins; null after the last. */
export function pageOf(
  world: World,
  faults: Faults,
  items: readonly Item[],
  from: number,
  size: number,
): { records: Json[]; next: number | null } {
  const start = faults.loop ? 0 : from
  const page = items.slice(start, start + size)
  world.served.push(page.map(({ ms }) => ms))
  const end = start + size
  const next = faults.loop ? size : end < items.length ? end : null
  return { records: page.map(({ record }) => record), next }
}

/** A page token that means nothing to whoever holds it. */
export const tokenOf = (place: number): string =>
  Buffer.from(`next::${place}`).toString('base64url')

/** The place that a token stands for; null for what is no token of ours. */
export function placeOf(token: string): number | null {
  const match = /^next::(\d+)$/.exec(Buffer.from(token, 'base64url').toString('utf8'))
  return match ? Number(match[1]) : null
}

export const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')
