/** The shop's HTTP interface without sockets: a request in, an answer or a Problem out. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from './clock.ts'
import { type PagePosition, pageParam, readPosition } from './page.ts'
import { type PageRequest, type PageTwist, pageBody } from './page-body.ts'
import { chooseEncoding, createPageCache, type EncodedPage, encodePage } from './page-cache.ts'
import { Problem } from './problem.ts'
import type { Route, Routes } from './route.ts'
import type { Shop, StreamName } from './shop.ts'
import { streamNames } from './shop.ts'
import { presentedKey } from './sign-in.ts'
import { createTimeline, type Selection, type Timeline } from './timeline.ts'
import { readWindow } from './window-filter.ts'

export interface ApiSettings {
  shop: Shop
  routes: Routes
  clock: Clock
  apiKey: string
  pageSize: number
  maxPageSize: number
  cacheBytes: number
  compress: boolean
}

/** A request that was understood: what it asks for, as faults and log want to know it. */
export interface Asked {
  stream: StreamName
  route: Route
  window: { start: number; end: number } | null
  position: PagePosition
  selection: Selection
  params: URLSearchParams
}

export interface ShopApi {
  /** the stream that a path belongs to; null for other paths */
  streamOf(path: string): StreamName | null
  /** the key of the request; throws a 401 */
  signIn(path: string, headers: IncomingHttpHeaders): string
  /** reads the parameters; throws a 400 for anything the API does not know */
  read(stream: StreamName, params: URLSearchParams): Asked
  page(
    asked: Asked,
    origin: string,
    headers: IncomingHttpHeaders,
    twist: PageTwist | null,
  ): EncodedPage
  /** what `GET /v1/shop` tells: a cheap call to check a key with */
  about(): EncodedPage
}

export function createShopApi(settings: ApiSettings): ShopApi {
  const { shop, routes, clock } = settings
  const cache = createPageCache(settings.cacheBytes)
  const paths = new Map(streamNames.map((name) => [routes[name].path, name]))
  const timelines = new Map<StreamName, Timeline>(
    streamNames.map((name) => [name, createTimeline(shop, name)]),
  )
  return {
    streamOf: (path) => paths.get(path) ?? null,
    signIn(path, headers) {
      const stream = paths.get(path)
      const style = stream === undefined ? 'any' : routes[stream].signIn
      const key = presentedKey(headers, style)
      if (style === 'none') return key ?? 'anonymous'
      if (key !== settings.apiKey) {
        throw new Problem(401, 'unauthorized', `a valid key is needed (${style})`)
      }
      return key
    },
    read(stream, params) {
      const route = routes[stream]
      refuseUnknown(route, params)
      const window = readWindow(route.window, params, shop.streams[stream].precisionMs)
      const selection = (timelines.get(stream) as Timeline).select(window, clock.now())
      const position = readPosition(route, params, selection.versions, settings)
      return { stream, route, window, position, selection, params }
    },
    page(asked, origin, headers, twist) {
      const encoding = settings.compress ? chooseEncoding(headers['accept-encoding']) : 'identity'
      const request: PageRequest = { shop, origin, ...asked }
      if (twist !== null) return encodePage(pageBody(request, twist), encoding)
      const { serial } = asked.selection
      const key = `${asked.stream} ${serial} ${origin} ${asked.params}`
      return cache.get(key, encoding, () => pageBody(request, {}))
    },
    about() {
      const text = JSON.stringify({
        name: 'Demo Shop',
        streams: streamNames,
        since: new Date(shop.startMs).toISOString(),
        now: new Date(clock.now()).toISOString(),
      })
      const headers = { 'content-type': 'application/json; charset=utf-8' }
      return encodePage({ text, headers, records: 0 }, 'identity')
    },
  }
}

/** A misspelt filter would silently read everything; this API says so instead. */
function refuseUnknown(route: Route, params: URLSearchParams): void {
  const known = [route.sizeParam, pageParam(route), route.window?.start, route.window?.end]
  const seen = new Set<string>()
  for (const name of params.keys()) {
    if (!known.includes(name)) {
      throw new Problem(400, 'unknown_parameter', `no parameter ${name.slice(0, 60)} here`)
    }
    if (seen.has(name)) throw new Problem(400, 'repeated_parameter', `${name} was given twice`)
    seen.add(name)
  }
}
