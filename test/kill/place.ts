import type { StreamName } from '../../actors/simulator/shop.ts'
import type { CommittedReader } from './visible.ts'

/** Where the connection under test writes. */
export const namespace = 'shop'

/** A destination under test: how the program is told of it, what is to be seen in it, and when something happens there. */
export interface Place {
  type: 'local_file' | 'postgres'
  config: Record<string, unknown>
  /** what its streams need beyond the usual */
  streams: Partial<Record<StreamName, Record<string, unknown>>>
  /** volumes of the source, where others than the usual meet more of its ways to commit */
  volumes: Partial<Record<StreamName, Record<string, number>>>
  /** most records of one answer of the source */
  pageSize: number
  reader: CommittedReader
  /** Calls back whenever something changes or arrives there, until the returned function is called. */
  watch(onChange: () => void): () => void
  close(): Promise<void>
}

/** `postgres18`: that version, whatever the machine has. */
export const placeTypes = ['local_file', 'postgres', 'postgres18'] as const
export type PlaceType = (typeof placeTypes)[number]
