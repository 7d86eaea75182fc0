/** Cutting a selection into pages, in each of the paging styles. Pure: parameters in, positions out. */

import type { Version } from './life.ts'
import { Problem } from './problem.ts'
import type { Route } from './route.ts'

/** Which part of the selection a request asks for. */
export interface PagePosition {
  /** index of the first record, in the route's order */
  from: number
  size: number
  /** 1 for the first page of a read */
  number: number
}

/** Where a token points: after this record. The page's number rides along for faults and the log. */
interface Mark {
  number: number
  atMs: number
  hour: number
  index: number
}

const pageParams: Record<Route['paging'], string> = {
  token: 'page_token',
  next_url: 'after',
  link: 'page_info',
  page: 'page',
  offset: 'offset',
}

/** The parameter that turns pages. */
export function pageParam(route: Route): string {
  return pageParams[route.paging]
}

/** Reads size and position; throws a 400 for anything that is not a number or not one of our tokens. */
export function readPosition(
  route: Route,
  params: URLSearchParams,
  versions: readonly Version[],
  sizes: { pageSize: number; maxPageSize: number },
): PagePosition {
  const wanted = readInteger(params, route.sizeParam, 1) ?? sizes.pageSize
  const size = Math.min(wanted, sizes.maxPageSize)
  if (route.paging === 'page') {
    const number = readInteger(params, 'page', 1) ?? 1
    return { from: (number - 1) * size, size, number }
  }
  if (route.paging === 'offset') {
    const from = readInteger(params, 'offset', 0) ?? 0
    return { from, size, number: Math.floor(from / size) + 1 }
  }
  const token = params.get(pageParam(route))
  if (token === null) return { from: 0, size, number: 1 }
  const mark = readToken(token)
  return { from: positionAfter(versions, mark, route.order), size, number: mark.number }
}

/** The token for the page that follows `last`. */
export function tokenAfter(last: Version, number: number): string {
  const mark = [number, last.atMs, last.life.hour, last.life.index]
  return Buffer.from(JSON.stringify(mark)).toString('base64url')
}

/** The record at a position of the route's order. */
export function versionAt(
  versions: readonly Version[],
  position: number,
  order: Route['order'],
): Version | undefined {
  return versions[order === 'asc' ? position : versions.length - 1 - position]
}

function readInteger(params: URLSearchParams, name: string, min: number): number | null {
  const text = params.get(name)
  if (text === null) return null
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min)) {
    throw new Problem(400, 'invalid_page', `${name}: an integer from ${min} on expected`)
  }
  return value
}

function readToken(token: string): Mark {
  try {
    const mark: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (Array.isArray(mark) && mark.length === 4 && mark.every(Number.isSafeInteger)) {
      const [number, atMs, hour, index] = mark as [number, number, number, number]
      return { number, atMs, hour, index }
    }
  } catch {
    // falls through to the same answer as any other token that is not ours
  }
  throw new Problem(400, 'invalid_page', 'the page token is not one of ours')
}

/** Binary search by time and creation, so that a record that moved away shifts nothing. */
function positionAfter(versions: readonly Version[], mark: Mark, order: Route['order']): number {
  let low = 0
  let high = versions.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const version = versions[middle] as Version
    const difference =
      version.atMs - mark.atMs || version.life.hour - mark.hour || version.life.index - mark.index
    if (order === 'asc' ? difference <= 0 : difference < 0) low = middle + 1
    else high = middle
  }
  return order === 'asc' ? low : versions.length - low
}
