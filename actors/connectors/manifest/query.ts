import { DerrickError, derrickError } from '../../../schema/error.ts'
import type { Paging } from '../../../schema/manifest/paging.ts'
import { compilePath } from '../../../schema/manifest/path.ts'
import type { Reject } from '../../../schema/protocol.ts'
import type { Row } from '../../destinations/writer.ts'
import type { RawRecords } from '../../raw-records.ts'
import type { ReadPage, ReadPoint, ReadRequest } from '../reader.ts'
import { type Answered, ask } from './ask.ts'
import { follow, put, type RequestDraft } from './draft.ts'
import type { Pass } from './for-each.ts'
import { runJob } from './job.ts'
import type { Ownership } from './ownership.ts'
import { itemsOf, type PageItems } from './page-items.ts'
import type { PagePosition } from './paging.ts'
import { ProgressGuard } from './progress.ts'
import type { RawReading } from './raw-document.ts'
import { selectRaw } from './raw-ownership.ts'
import type { ReadScope, RequestScope } from './scope.ts'
import type { StreamPlan } from './stream-plan.ts'
import { recordTime, type Span, windowValues } from './window.ts'

/** One query: a span of time (or none), one value of `for_each`, and all its pages. */
export interface Query {
  plan: StreamPlan
  span: Span | null
  scope: ReadScope
  /** parameters that `for_each` adds to each request */
  sends: Pass['sends']
  request: ReadRequest
  /** how to leave records unparsed, where that is wanted */
  raw: RawReading | null
}

/** What a page leaves behind beside its records. */
interface Step {
  next: PagePosition | null
  /** begin a new query from this moment, because the API cuts long ones */
  restartFrom: number | null
}

/**
 * Reads a query to its proven end. A page is given out before the next is asked for. Where the API says how many records there
 * are and that number changes meanwhile, records may have slipped between two pages: then all is read a second time.
 * @throws DerrickError
 */
export async function* readQuery(query: Query): AsyncGenerator<ReadPage, void, undefined> {
  let from = query.span?.start ?? null
  for (let pass = 0; ; ) {
    const { paging } = query.plan.stream
    // A second read of all begins at the beginning.
    const resume = pass === 0 ? query.request.resume : undefined
    const guard = new ProgressGuard(paging.type === 'none' ? 1 : paging.max_pages, resume?.counted)
    const restart: { from: number | null } = yield* readPages(query, from, guard, resume)
    if (restart.from !== null) {
      if (from !== null && restart.from <= from) throw stuck()
      from = restart.from
      continue
    }
    if (!guard.hasDrifted || pass === 1) {
      if (guard.missing > 0) throw incomplete(guard)
      return
    }
    if (query.plan.stream.key.length === 0) throw drifted()
    pass += 1
  }
}

async function* readPages(
  query: Query,
  from: number | null,
  guard: ProgressGuard,
  resume: ReadPoint | undefined,
): AsyncGenerator<ReadPage, { from: number | null }, undefined> {
  const { plan } = query
  const scope = scopeFrom(query, from)
  const job = plan.job ? await runJob(plan.job, { ...query, scope }) : noJob
  // The API says that there is nothing to report.
  if (!job) return { from: null }
  const turner = new PageTurner(query, { ...scope, job: job.values }, guard)
  turner.extraRequests = job.requests
  let position: PagePosition | null = resume?.position ?? plan.pager.first(plan.pageSize)
  while (position) {
    let answered: Answered | null = await turner.ask(position)
    if (answered.action === 'smaller_page') {
      position = smallerPage(plan.stream.paging, position, answered)
      turner.extraRequests += answered.requests
      continue
    }
    if (answered.action === 'restart') {
      if (turner.lastTime === null) throw new DerrickError(answered.failure)
      return { from: turner.lastTime }
    }
    const { page, step } = turner.read(position, answered)
    // A suspended generator keeps what its variables hold: a page must not outlive the wait for the next one.
    answered = null
    if (query.request.isResumable && isResumable(plan))
      page.point = step.next && { position: step.next, counted: guard.counted }
    yield page
    if (step.restartFrom !== null) return { from: step.restartFrom }
    position = step.next
  }
  return { from: null }
}

/**
 * Whether a read of this stream can go on in another attempt: all its pages are of one query, copies of records are merged by
 * key, and its page tokens hold for hours. Numbers of pages and offsets move when records come or go, unless told otherwise.
 */
export function isResumable({ stream, job, ownership }: StreamPlan): boolean {
  const { paging, key, for_each: forEach } = stream
  if (paging.type === 'none' || key.length === 0 || forEach.length > 0 || job || ownership)
    return false
  return paging.resumable ?? (paging.type !== 'page' && paging.type !== 'offset')
}

const noJob = { values: {}, requests: 0 }

/** The read's scope with the window that is left of the query: all of it, or what a restart begins with. */
function scopeFrom({ plan, span, scope }: Query, from: number | null): ReadScope {
  const { window } = plan.stream
  if (!window || !span || from === null) return scope
  return { ...scope, window: windowValues(window, { start: from, end: span.end }, plan.zone) }
}

/** Makes requests and reads answers of one query. */
class PageTurner {
  readonly #query: Query
  readonly #guard: ProgressGuard
  readonly #scope: ReadScope
  readonly #recordTime: ((item: unknown) => number | undefined) | null
  /** time of the last record read, for restarts */
  lastTime: number | null = null
  /** requests whose answers gave no page */
  extraRequests = 0
  #count = 0

  constructor(query: Query, scope: ReadScope, guard: ProgressGuard) {
    this.#query = query
    this.#guard = guard
    this.#scope = scope
    const { window, paging } = query.plan.stream
    const restartPath = paging.type === 'none' ? undefined : (paging.restart?.from ?? window?.field)
    const readValue = restartPath === undefined ? null : compilePath(restartPath)
    this.#recordTime =
      readValue && window
        ? (item) => recordTime(readValue(item), window.format, query.plan.zone)
        : null
  }

  async ask(position: PagePosition): Promise<Answered> {
    const { plan, request } = this.#query
    const { session, stream } = plan
    const auth = await session.signIn.saved(request.signal)
    const scope: RequestScope = { ...this.#scope, auth, page: pageScope(position, this.#count) }
    return ask(
      {
        scope,
        draft: () => this.#draft(scope, position),
        judge: plan.judge,
        retry: stream.retry,
        records: stream.records,
        raw: this.#query.raw,
        signal: request.signal,
        onWait: request.onWait,
      },
      session,
    )
  }

  #draft(scope: RequestScope, position: PagePosition): RequestDraft {
    const { stream, request, job } = this.#query.plan
    const { window, paging } = stream
    const draft = request.draft(scope)
    // A report was told of them when it was ordered.
    if (!job) {
      if (window?.start && this.#query.span) put(draft, window.start, scope.window.start)
      if (window?.end && this.#query.span) put(draft, window.end, scope.window.end)
      for (const { param, value } of this.#query.sends) put(draft, param, value)
    }
    putPage(draft, paging, position, this.#query.plan.pageSize)
    return draft
  }

  /** The page of an answer, and where to go from there. */
  read(position: PagePosition, answered: Answered): { page: ReadPage; step: Step } {
    const { response, requests } = answered
    const { items, owned, rejects, raw } = this.#taken(answered)
    const page: ReadPage = {
      records: owned.kept,
      bytes: response.body.length,
      requests: requests + this.extraRequests,
      dropped: owned.dropped,
      ...this.#deleted(owned.kept),
      ...(rejects.length > 0 ? { rejects } : {}),
      ...(raw ? { raw } : {}),
    }
    this.extraRequests = 0
    this.#count = items.count
    this.#noteTime(items)
    if (answered.action === 'empty' || isPast(this.#query.plan.stream.window, owned)) {
      // Ended on purpose before the API's own end: its total proves nothing.
      this.#guard.waiveTotal()
      return { page, step: last }
    }
    return { page, step: this.#step(position, answered, items) }
  }

  /** The records of an answer that are ours. */
  #taken(answered: Answered): Taken {
    const { plan, span, raw: reading } = this.#query
    const { response, document } = answered
    const { raw } = document
    const { ownership } = plan
    const isBare =
      answered.action !== 'accept' || response.status === 204 || response.status === 205
    if (raw && reading && !isBare) {
      const none = { dropped: 0, pastEnd: false, beforeStart: false }
      const owned =
        ownership && span ? selectRaw(raw.records, reading.timeField, ownership, span) : none
      const { items, records } = raw
      if (owned) return { items, owned: { ...owned, kept: [] }, rejects: [], raw: records }
    }
    const items = isBare ? [] : plan.picker.items(document.response)
    const rejects: Reject[] = []
    let rows = plan.picker.rows(items, document, this.#scope, rejects)
    const { change } = plan
    if (change) rows = rows.map((row) => change(row, this.#scope))
    const owned =
      ownership && span
        ? ownership.select(rows, span)
        : { kept: rows, dropped: 0, pastEnd: false, beforeStart: false }
    return { items: itemsOf(items), owned, rejects, raw: null }
  }

  #step(position: PagePosition, answered: Answered, items: PageItems): Step {
    const { plan } = this.#query
    const { paging } = plan.stream
    const baseUrl = plan.request.baseUrl(answered.scope)
    const { scope, response } = answered
    const { url } = response
    const skipped = answered.action === 'skip'
    const answer = { scope, records: items, url, baseUrl, skipped }
    const next = plan.pager.next(position, answer, this.#guard)
    const limit = paging.type === 'none' ? undefined : paging.restart?.after_records
    const isCut = limit !== undefined && this.#guard.recordCount >= limit
    return { next, restartFrom: isCut ? this.lastTime : null }
  }

  #deleted(records: Row[]): Pick<ReadPage, 'deleted'> {
    const { isDeleted } = this.#query.plan
    if (!isDeleted) return {}
    const deleted = new Set(records.filter((record) => isDeleted(record, this.#scope)))
    return deleted.size > 0 ? { deleted } : {}
  }

  #noteTime(items: PageItems): void {
    if (!this.#recordTime || items.count === 0) return
    this.lastTime = this.#recordTime(items.last()) ?? this.lastTime
  }
}

/** What a page has for the destination, and what paging looks at. */
interface Taken {
  items: PageItems
  owned: ReturnType<Ownership['select']>
  rejects: Reject[]
  raw: RawRecords | null
}

const last: Step = { next: null, restartFrom: null }

/** A list in the order of time is done with when it has left the span; only APIs that cannot filter need that. */
function isPast(
  window: StreamPlan['stream']['window'],
  owned: { pastEnd: boolean; beforeStart: boolean },
): boolean {
  if (!window || window.end_filter) return false
  return window.order === 'asc' ? owned.pastEnd : window.order === 'desc' && owned.beforeStart
}

function pageScope(position: PagePosition, count: number): RequestScope['page'] {
  const { number, offset, token, size } = position
  return { number, offset, token, size, count }
}

/** Puts what leads to a page into a request. */
function putPage(
  draft: RequestDraft,
  paging: Paging,
  position: PagePosition,
  usualSize: number | null,
): void {
  if (paging.type === 'none') return
  const { url, token, size } = position
  const keepParams = 'keep_params' in paging && paging.keep_params
  if (url !== null) follow(draft, url, keepParams)
  if (paging.type === 'cursor' && token !== null && !keepParams) draft.query.clear()
  // A next URL knows its own size, unless it has become smaller since.
  if (paging.size?.name !== undefined && (url === null || keepParams || size !== usualSize))
    put(draft, { in: paging.size.in, name: paging.size.name }, size)
  switch (paging.type) {
    case 'page':
      if (paging.send_first || position.number !== paging.first) put(draft, paging, position.number)
      return
    case 'offset':
      if (paging.send_first || position.offset !== paging.first) put(draft, paging, position.offset)
      return
    case 'last_record':
      put(draft, paging, token)
      return
    case 'cursor':
      if (paging.name !== undefined) put(draft, { in: paging.in, name: paging.name }, token)
  }
}

/**
 * The same place with fewer records. Page numbers count pages of one size, so theirs is divided by what divides it.
 * @throws DerrickError the API's own failure, when the page cannot be smaller
 */
function smallerPage(paging: Paging, at: PagePosition, { failure }: Answered): PagePosition {
  if (paging.type === 'none' || !paging.size || at.size === null) throw new DerrickError(failure)
  const { min } = paging.size
  if (paging.type !== 'page') {
    const size = Math.max(min, Math.floor(at.size / 2))
    if (size >= at.size) throw new DerrickError(failure)
    return { ...at, size }
  }
  for (let parts = 2; at.size / parts >= min; parts++) {
    if (at.size % parts !== 0) continue
    const number = (at.number - paging.first) * parts + paging.first
    return { ...at, number, size: at.size / parts }
  }
  throw new DerrickError(failure)
}

const stuck = () =>
  derrickError(
    'transform',
    'paging.restart_stuck',
    'more records have one and the same time than the API gives in one query',
    { remedy: 'read by another field, or ask the API for a way past its limit' },
  )

const incomplete = (guard: ProgressGuard) =>
  derrickError(
    'unknown',
    'paging.incomplete',
    `the API ended ${guard.missing} records before the total that it named`,
    { remedy: 'it is read again; if its total is only an estimate, leave paging.total out' },
  )

const drifted = () =>
  derrickError(
    'unknown',
    'paging.drift',
    'the number of records changed while they were paged through, so some may be missing',
    { remedy: 'it is read again; a key in the manifest, or paging by token, would avoid this' },
  )
