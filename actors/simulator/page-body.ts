/** A page as the API sends it: the records in the envelope of the route's paging style. */
import { type HostileVariant, hostileRecord, hostileTime } from './hostile.ts'
import { type PagePosition, pageParam, tokenAfter, versionAt } from './page.ts'
import { recordText } from './record.ts'
import type { Route } from './route.ts'
import type { Shop, StreamName } from './shop.ts'
import type { Selection } from './timeline.ts'

/** How a page differs from the honest one. */
export interface PageTwist {
  countDelta?: number
  repeat?: boolean
  foreignOrigin?: string
  hostile?: HostileVariant[]
}

export interface PageRequest {
  shop: Shop
  stream: StreamName
  route: Route
  selection: Selection
  position: PagePosition
  window: { start: number; end: number } | null
  /** `http://127.0.0.1:port`, for next URLs */
  origin: string
  params: URLSearchParams
}

export interface PageBody {
  text: string
  headers: Record<string, string>
  records: number
}

export function pageBody(request: PageRequest, twist: PageTwist): PageBody {
  const { route, selection, position } = request
  const { versions } = selection
  // a page that is said to repeat shows the first one whatever is asked for
  const isCounted = route.paging === 'page' || route.paging === 'offset'
  const from = twist.repeat && isCounted ? 0 : position.from
  const records = texts(request, from)
  const honest = records.length
  addHostile(request, twist.hostile ?? [], from, records)

  const hasMore = from + position.size < versions.length
  const next = nextParams(request, from, hasMore, twist.repeat ?? false)
  const url = next === null ? null : nextUrl(request, next, twist.foreignOrigin)
  const total = versions.length + (twist.countDelta ?? 0)
  const list = `[${records.join(',')}]`
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' }
  if (route.paging === 'link' && url !== null) headers.link = `<${url}>; rel="next"`
  const text =
    route.recordsAt === ''
      ? list
      : `{${JSON.stringify(route.recordsAt)}:${list}${envelope(request, next, url, total, twist)}}`
  return { text, headers, records: honest }
}

function texts({ shop, stream, route, selection, position }: PageRequest, from: number): string[] {
  const records: string[] = []
  const end = Math.min(from + position.size, selection.versions.length)
  for (let at = from; at < end; at += 1) {
    const version = versionAt(selection.versions, at, route.order)
    if (version !== undefined) records.push(recordText(shop, stream, version))
  }
  return records
}

/** The parameters that turn to the next page; null after the last. */
function nextParams(
  { route, selection, position, params }: PageRequest,
  from: number,
  hasMore: boolean,
  repeat: boolean,
): Record<string, string> | null {
  const name = pageParam(route)
  if (route.paging === 'page') return { [name]: String(position.number + 1) }
  if (route.paging === 'offset') return { [name]: String(position.from + position.size) }
  const asked = params.get(name)
  if (repeat && asked !== null) return { [name]: asked }
  const last = versionAt(
    selection.versions,
    Math.min(from + position.size, selection.versions.length) - 1,
    route.order,
  )
  if (last === undefined || !(hasMore || repeat)) return null
  return { [name]: tokenAfter(last, position.number + 1) }
}

function nextUrl(
  { origin, route, params }: PageRequest,
  next: Record<string, string>,
  foreignOrigin: string | undefined,
): string {
  const query = new URLSearchParams(params)
  for (const [name, value] of Object.entries(next)) query.set(name, value)
  return `${foreignOrigin ?? origin}${route.path}?${query}`
}

/** What stands beside the records, with a leading comma. */
function envelope(
  { route, position }: PageRequest,
  next: Record<string, string> | null,
  url: string | null,
  total: number,
  twist: PageTwist,
): string {
  const { size, number, from } = position
  switch (route.paging) {
    case 'token': {
      const token = next === null ? null : JSON.stringify(next[pageParam(route)])
      // a lie about the count is here a lie about whether there is more
      const hasMore = (token !== null) !== ((twist.countDelta ?? 0) !== 0)
      return `,"has_more":${hasMore},"next_page_token":${token}`
    }
    case 'next_url':
      return `,"links":{"next":${JSON.stringify(url)}}`
    case 'page': {
      const pages = Math.ceil(Math.max(0, total) / size)
      return `,"page":${number},"per_page":${size},"total":${total},"total_pages":${pages}`
    }
    case 'offset':
      return `,"offset":${from},"limit":${size},"total":${total}`
    case 'link':
      return ''
  }
}

/** Mixes hostile records into a page; a duplicate is the last record of the page before, put first. */
function addHostile(
  { shop, stream, route, selection, window }: PageRequest,
  variants: HostileVariant[],
  from: number,
  records: string[],
): void {
  for (const variant of variants) {
    if (variant !== 'duplicate') {
      const atMs = hostileTime(variant, window, selection.asOfMs)
      records.push(hostileRecord(stream, variant, atMs))
      continue
    }
    const before = versionAt(selection.versions, from - 1, route.order)
    if (from > 0 && before !== undefined) records.unshift(recordText(shop, stream, before))
  }
}
