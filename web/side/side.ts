import { world } from '../store/store.ts'

/** The two sides of a connection: a source is read, a destination is written. */
export type Side = 'source' | 'destination'

/** A side as its pages and buttons need it. */
export interface SideThing {
  id: string
  name: string
}

/** Names of the connections that use it. */
export const usedBy = (side: Side, id: string): string[] =>
  Object.values(world.connections)
    .filter((connection) => connection[`${side}_id`] === id)
    .map((connection) => connection.name)
