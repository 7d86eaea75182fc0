import type { Place } from '../../../schema/manifest/kind.ts'
import { scopesOf } from '../../../schema/manifest/scope.ts'
import type { WindowValues } from './window.ts'

/** What a page's templates see of paging. (Types, not interfaces: only those are records of names to expressions.) */
export type PageScope = {
  number: number
  offset: number
  token: unknown
  size: number | null
  count: number
}

/** What stays the same during one read of a stream. */
export type ReadScope = {
  config: Record<string, unknown>
  source: { timezone: string }
  /** epoch ms, fixed for the whole read */
  now: number
  window: WindowValues
  each: Record<string, unknown>
  job: Record<string, unknown>
  auth: Record<string, unknown>
}

/** Scope of requests. */
export type RequestScope = ReadScope & { page: PageScope }

/** Scope of paging and error rules. */
export type AnswerScope = RequestScope & {
  response: unknown
  headers: Record<string, string>
  status: number
}

/** Scope names for compiling at a place. */
export const namesAt = (place: Place): readonly string[] => scopesOf(place)

/** The page scope of requests that are not paged. */
export const noPage: PageScope = { number: 1, offset: 0, token: null, size: null, count: 0 }
