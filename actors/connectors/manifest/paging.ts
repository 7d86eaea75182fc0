import { derrickError } from '../../../schema/error.ts'
import type { Evaluate } from '../../../schema/manifest/expression/compiler.ts'
import { compileExpression } from '../../../schema/manifest/expression/compiler.ts'
import { truthy } from '../../../schema/manifest/expression/value.ts'
import type { Paging, PagingCommon } from '../../../schema/manifest/paging.ts'
import { compilePath } from '../../../schema/manifest/path.ts'
import { tokenText } from './draft.ts'
import { nextLink } from './link-header.ts'
import { nextUrlOn } from './next-url.ts'
import type { PageItems } from './page-items.ts'
import { fingerprint, type ProgressGuard } from './progress.ts'
import { type AnswerScope, namesAt } from './scope.ts'

/** Where a read stands. `token` is the page token, `url` the whole next address; both null on the first page. */
export interface PagePosition {
  number: number
  offset: number
  token: string | number | null
  url: string | null
  size: number | null
}

/** What an answer tells paging. */
export interface PageAnswer {
  scope: AnswerScope
  /** records as the API gave them, before anything was left out */
  records: PageItems
  /** address that answered, for relative next URLs */
  url: string
  /** where next URLs may lead, beside `other_hosts` */
  baseUrl: string
  /** an error rule says that this page gives nothing and paging goes on */
  skipped: boolean
}

export interface Pager {
  first(size: number | null): PagePosition
  /** The next position, or null when a stop rule says that this was the last page. @throws DerrickError paging.* */
  next(at: PagePosition, answer: PageAnswer, guard: ProgressGuard): PagePosition | null
}

/** Compiles a stream's paging. */
export function makePager(paging: Paging): Pager {
  if (paging.type === 'none') {
    return { first: () => firstPosition(1, 0, null), next: () => null }
  }
  const more = paging.more === undefined ? null : compileExpression(paging.more, namesAt('answer'))
  const turn = turner(paging)
  const firstNumber = paging.type === 'page' ? paging.first : 1
  const firstOffset = paging.type === 'offset' ? paging.first : 0
  return {
    first: (size) => firstPosition(firstNumber, firstOffset, size),
    next(at, answer, guard) {
      guard.countPage(answer.records.count)
      if (more && !truthy(more(answer.scope))) return null
      if (answer.skipped) return skip(paging.type, at, answer, guard, turn)
      if (stops(paging, at, answer)) return null
      return turn(at, answer, guard)
    },
  }
}

const firstPosition = (number: number, offset: number, size: number | null): PagePosition => ({
  number,
  offset,
  token: null,
  url: null,
  size,
})

/** Stop rules that look at the number of records alone. */
function stops(
  paging: PagingCommon & { type: string },
  at: PagePosition,
  answer: PageAnswer,
): boolean {
  const count = answer.records.count
  if (paging.stop === 'short') return at.size !== null ? count < at.size : count === 0
  const counted = paging.type === 'page' || paging.type === 'offset'
  return count === 0 && (paging.stop === 'empty' || counted)
}

/** Past a page that gave nothing: by its size, or by the token that its answer may have all the same. */
function skip(
  type: Paging['type'],
  at: PagePosition,
  answer: PageAnswer,
  guard: ProgressGuard,
  turn: Turn,
): PagePosition | null {
  guard.waiveTotal()
  if (type === 'last_record') return null
  if (type !== 'page' && type !== 'offset') return turn(at, answer, guard)
  if (type === 'offset' && at.size === null) return null
  guard.refuseRepeat(`skipped ${at.number}`, 'a page was skipped twice')
  return { ...at, number: at.number + 1, offset: at.offset + (at.size ?? 0) }
}

type Turn = (at: PagePosition, answer: PageAnswer, guard: ProgressGuard) => PagePosition | null

function turner(paging: Exclude<Paging, { type: 'none' }>): Turn {
  switch (paging.type) {
    case 'page':
      return countedTurn(paging.total, paging.total_pages, paging.first)
    case 'offset':
      return countedTurn(paging.total, undefined, 0)
    case 'cursor':
      return tokenTurn(cursorValue(paging))
    case 'last_record': {
      const readValue = compilePath(paging.field)
      return (at, answer, guard) => {
        const token = readValue(answer.records.last()) ?? null
        if (token === null) throw noToken(paging.field)
        return tokenTurn(() => token)(at, answer, guard)
      }
    }
    case 'next_url': {
      const readValue = compilePath(paging.at)
      return urlTurn((answer) => readValue(answer.scope.response), paging.other_hosts)
    }
    case 'link': {
      const find = (answer: PageAnswer) => nextLink(answer.scope.headers.link, paging.rel)
      return urlTurn(find, paging.other_hosts)
    }
  }
}

/**
 * Page numbers and offsets. A total that is reached ends the read without one more request. Where two bounds are declared, the
 * read goes on until both are reached, and a total that was overrun is not believed: a wrong count must not cut a read short.
 */
function countedTurn(
  totalAt: string | undefined,
  pagesAt: string | undefined,
  firstNumber: number,
): Turn {
  const totalOf = totalAt === undefined ? null : compilePath(totalAt)
  const pagesOf = pagesAt === undefined ? null : compilePath(pagesAt)
  return (at, answer, guard) => {
    guard.refuseRepeat(fingerprint(answer.records), 'the same page came twice in a row')
    const total = totalOf ? countOf(totalOf(answer.scope.response)) : null
    const pages = pagesOf ? countOf(pagesOf(answer.scope.response)) : null
    const bounds: boolean[] = []
    if (total !== null) {
      guard.expectTotal(total)
      bounds.push(guard.recordCount === total)
    }
    if (pages !== null) bounds.push(at.number - firstNumber + 1 >= pages)
    if (bounds.length > 0 && bounds.every(Boolean)) return null
    const { count } = answer.records
    return { ...at, number: at.number + 1, offset: at.offset + count }
  }
}

function countOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null
}

function cursorValue(paging: Extract<Paging, { type: 'cursor' }>): (answer: PageAnswer) => unknown {
  const { header } = paging
  if (header !== undefined) return ({ scope }) => scope.headers[header.toLowerCase()] ?? null
  if (paging.value !== undefined) {
    const value: Evaluate = compileExpression(paging.value, namesAt('answer'))
    return ({ scope }) => value(scope)
  }
  const readValue = compilePath(paging.at ?? '')
  return ({ scope }) => readValue(scope.response)
}

function tokenTurn(find: (answer: PageAnswer) => unknown): Turn {
  return (at, answer, guard) => {
    const value = find(answer)
    if (isAbsent(value)) return null
    const token = tokenText(value)
    if (token === null) throw badToken(value)
    guard.refuseRepeat(token, 'the API gave a page token that it gave before')
    return {
      ...at,
      number: at.number + 1,
      offset: at.offset + answer.records.count,
      token: typeof value === 'number' ? value : token,
    }
  }
}

function urlTurn(find: (answer: PageAnswer) => unknown, otherHosts: readonly string[]): Turn {
  return (at, answer, guard) => {
    const value = find(answer)
    if (isAbsent(value)) return null
    if (typeof value !== 'string') throw badToken(value)
    const url = nextUrlOn(value, answer.url, answer.baseUrl, otherHosts)
    guard.refuseRepeat(url, 'the API gave a next URL that it gave before')
    const offset = at.offset + answer.records.count
    return { ...at, number: at.number + 1, offset, url }
  }
}

const isAbsent = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || value === false

const badToken = (value: unknown) =>
  derrickError(
    'transform',
    'paging.token',
    `the page token is neither a text nor a number: ${String(JSON.stringify(value)).slice(0, 60)}`,
    { remedy: 'check paging in the manifest' },
  )

const noToken = (field: string) =>
  derrickError('transform', 'paging.token', `the last record has no ${field} to go on from`, {
    remedy: 'check paging.field in the manifest',
  })
