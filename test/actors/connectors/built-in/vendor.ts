import type { IncomingHttpHeaders } from 'node:http'
import type { Json, World } from './world.ts'

/** A request as a vendor's API sees it. */
export interface ApiRequest {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** raw */
  body: string
}

export interface ApiAnswer {
  status?: number
  headers?: Record<string, string>
  /** sent as JSON, unless it is a text */
  body: unknown
}

/** What a test may make an API do wrong. */
export interface Faults {
  /** every page leads on, and every page is the first */
  loop?: boolean
  /** next addresses lead to this host */
  nextHost?: string
}

/** One vendor's API: what it answers, by its documentation and not by our manifest. */
export interface SimulatedApi {
  world: World
  faults: Faults
  answer(request: ApiRequest): ApiAnswer
}

/** An API that answers from its world. */
export const simulate =
  (answer: (api: SimulatedApi, request: ApiRequest) => ApiAnswer) =>
  (world: World): SimulatedApi => {
    const api: SimulatedApi = { world, faults: {}, answer: (request) => answer(api, request) }
    return api
  }

/** How the suite fills a stream and knows its rows again. */
export interface StreamCase {
  /** Puts a thing of this time into the world. Gives the ids of the rows that the range of that time must give. */
  seed(world: World, n: number, ms: number): string[]
  rowId(row: Json): string
  /** finest step of the record's own time; a second unless told */
  tickMs?: number
  /** how far beside its range the API may be asked; a second unless told */
  slackMs?: number
  /** the API says itself that records may come twice */
  mayRepeat?: boolean
  /** all in one answer */
  unpaged?: boolean
  /** the page before the last page is known only by the number of records */
  loopCode?: string
}

/** A built-in connector and all that its vendor publishes of it. */
export interface BuiltIn {
  id: string
  hosts: readonly string[]
  makeApi(world: World): SimulatedApi
  config: Json
  /** the same with credentials that the API does not know; null where there are none */
  wrongConfig: Json | null
  /** texts that may stand in no message */
  secrets: readonly string[]
  forbidden: ApiAnswer | null
  tooMany: ApiAnswer
  /** ms that `tooMany` asks to wait; null when it does not say */
  tooManyWaitMs: number | null
  /** what the vendor allows: requests whose path matches, in any span of time */
  allows: { match: RegExp; requests: number; perMs: number }[]
  newestFirst: readonly string[]
  streams: Record<string, StreamCase>
}
