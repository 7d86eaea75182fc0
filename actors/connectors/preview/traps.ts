import type { ManifestStream } from '../../../schema/manifest/manifest.ts'
import type { PreviewKey, PreviewPage, PreviewWarning } from '../../../schema/preview.ts'
import type { Row } from '../../destinations/writer.ts'
import { isRecord } from '../manifest/value.ts'
import type { EdgeFindings } from './edges.ts'

/** What a preview knows when it looks for traps. */
export interface PreviewFacts {
  stream: ManifestStream
  /** of the first answer; undefined when it is no JSON or there was none */
  response: unknown
  /** of the first answer, lower-case names */
  headers: Readonly<Record<string, string>>
  pages: readonly PreviewPage[]
  /** records that a page is asked to hold, null when nobody says */
  pageSize: number | null
  /** whether the API had no more */
  isComplete: boolean
  records: readonly Row[]
  /** their own times in the order they came; null for those without */
  times: readonly (number | null)[]
  key: PreviewKey
  edges: EdgeFindings | null
}

type Trap = (facts: PreviewFacts) => PreviewWarning | undefined

/** Ways in which a manifest loses or doubles records without an error. Pure. */
export function findTraps(facts: PreviewFacts): PreviewWarning[] {
  return traps.flatMap((trap) => trap(facts) ?? [])
}

const error = (code: string, message: string, remedy: string): PreviewWarning => ({
  code: `preview.${code}`,
  severity: 'error',
  message,
  remedy,
})
const warning = (code: string, message: string, remedy: string): PreviewWarning => ({
  ...error(code, message, remedy),
  severity: 'warning',
})
const note = (code: string, message: string, remedy: string): PreviewWarning => ({
  ...error(code, message, remedy),
  severity: 'note',
})

const traps: Trap[] = [
  // Paging: all but the first page is lost.
  ({ stream, response, headers, pages }) => {
    if (stream.paging.type !== 'none' || pages.length === 0) return undefined
    const sign = signOfMorePages(response, headers)
    if (!sign) return undefined
    return error(
      'paging_missing',
      `the answer seems to have further pages (${sign}), and the manifest reads only the first`,
      pagingThatReads(sign),
    )
  },
  ({ pages, pageSize, isComplete, stream }) => {
    const [first] = pages
    if (!first || pageSize === null || stream.paging.type === 'none') return undefined
    // Records that are made of others, or left out, tell nothing of the API's own count.
    if (stream.records.expand || stream.records.where !== undefined) return undefined
    const got = first.records + first.dropped + first.rejected
    if (got === 0 || got === pageSize) return undefined
    if (got > pageSize)
      return warning(
        'page_size_ignored',
        `${pageSize} records a page were asked for and ${got} came: the API may not know the parameter`,
        'check paging.size.name',
      )
    if (stream.paging.stop === 'short' && isComplete && pages.length === 1)
      return warning(
        'short_page',
        `the first page has ${got} of ${pageSize} records and ends the read (stop: short); if the API caps pages at ${got}, all others are lost`,
        'ask for a size that the API allows, or use stop: empty',
      )
    if (pages.length === 1) return undefined
    return note(
      'page_size_capped',
      `${pageSize} records a page were asked for, ${got} came, and there are more pages`,
      'the API may cap its pages: set paging.size.value to what it gives',
    )
  },
  // Time: records between ranges, or the same records in every range.
  ({ edges, stream }) =>
    edges?.misread
      ? error(
          'window_misread',
          `a record is not in a window around its own ${stream.window?.field}: the API takes the times for others, or filters by another field`,
          'check window.format, window.zone and window.field',
        )
      : undefined,
  ({ edges }) =>
    !edges?.misread && edges?.start.declared === 'inclusive' && edges.start.found === 'exclusive'
      ? error(
          'start_exclusive',
          'the API leaves out records at exactly the start of a window: one is lost at the edge of each range',
          'window: {start_is: exclusive}',
        )
      : undefined,
  ({ edges, stream }) =>
    edges?.end?.declared === 'inclusive' &&
    edges.end.found === 'exclusive' &&
    stream.window?.format === 'date'
      ? error(
          'end_exclusive',
          'the API leaves out the day that is named as the end: the last day of each range is lost',
          'window: {end_is: exclusive}',
        )
      : undefined,
  ({ edges }) =>
    edges?.start.declared === 'exclusive' && edges.start.found === 'inclusive'
      ? note(
          'start_inclusive',
          'the API gives records at exactly the start; the manifest says that it does not, which only costs a little',
          'window: {start_is: inclusive}',
        )
      : undefined,
  ({ edges }) =>
    edges?.end?.declared === 'exclusive' && edges.end.found === 'inclusive'
      ? note(
          'end_inclusive',
          'the API gives records at exactly the end; they belong to the next range and are left out here',
          'window: {end_is: inclusive} says so',
        )
      : undefined,
  ({ edges }) =>
    edges?.ignored.start
      ? error(
          'start_ignored',
          'the API gives records from before the start that was asked for: each range reads everything',
          'check window.start.name and window.format',
        )
      : undefined,
  ({ edges }) =>
    edges?.ignored.end
      ? error(
          'end_ignored',
          'the API gives records from after the end that was asked for',
          'check window.end.name; if the API takes no end, say end_filter: false',
        )
      : undefined,
  ({ stream, times }) => {
    const { window } = stream
    if (!window || stream.for_each.length > 0) return undefined
    const found = orderOf(times)
    if (window.order === 'none') {
      if (found === 'none' || window.end_filter) return undefined
      return note(
        'order_undeclared',
        `records come in ${found === 'asc' ? 'ascending' : 'descending'} order of ${window.field}`,
        `window: {order: ${found}} lets a range stop at its end, if the API promises it`,
      )
    }
    if (isOrdered(times, window.order)) return undefined
    const message = `records do not come in ${window.order === 'asc' ? 'ascending' : 'descending'} order of ${window.field}`
    return window.end_filter
      ? warning('order', message, 'window: {order: none}, or ask the API to sort')
      : error(
          'order',
          `${message}: a range stops at the first record past its end and loses the rest`,
          'ask the API to sort by that field, or say window: {order: none}',
        )
  },
  ({ stream, times }) => {
    const without = times.filter((time) => time === null).length
    if (!stream.window || without === 0) return undefined
    return warning(
      'no_time',
      `${without} of ${times.length} records have no readable ${stream.window.field}: each range that gets them keeps them`,
      'check window.field and window.format',
    )
  },
  ({ stream, records }) => {
    if (stream.window?.tracks !== 'creation' || records.length === 0) return undefined
    const field = Object.keys(records[0] as Row).find((name) => changeField.test(name))
    if (field === undefined) return undefined
    return warning(
      'edits_unseen',
      `records have ${field}, but the window goes by creation: edits of older records are never seen`,
      'filter by that field if the API can (tracks: updates), else say for how long records change (revise: 7d)',
    )
  },
  ({ stream, records }) => {
    if (stream.window || stream.records.format !== 'json' || records.length === 0) return undefined
    const names = Object.keys(records[0] as Row)
    const field =
      names.find((name) => changeField.test(name)) ?? names.find((name) => creationField.test(name))
    if (field === undefined) return undefined
    return note(
      'window_missing',
      `without a window all of it is read each time; records have ${field}`,
      'if the API can filter by it, declare a window: only what is new is read, newest first if it takes an end',
    )
  },
  // Keys: rows that replace each other, or come twice.
  ({ key }) =>
    key.declared.length > 0 && key.duplicates > 0
      ? error(
          'key_not_unique',
          `${key.duplicates} of ${key.checked} records have a key that another has (${key.example}): only one of them would be kept`,
          key.candidates.length > 0
            ? `unique here: ${key.candidates.join(', ')}`
            : 'declare a key of several fields',
        )
      : undefined,
  ({ key }) =>
    key.declared.length > 0 && key.missing > 0
      ? error(
          'key_missing',
          `${key.missing} of ${key.checked} records have no ${key.declared.join(', ')}`,
          key.candidates.length > 0
            ? `unique here: ${key.candidates.join(', ')}`
            : 'choose fields that every record has',
        )
      : undefined,
  ({ key }) =>
    key.declared.length === 0 && key.candidates.length > 0
      ? warning(
          'key_undeclared',
          'no key is declared, so a record that changes is a new row',
          `key: [${key.candidates[0]}] is unique here`,
        )
      : undefined,
]

const changeField = /^(updated|modified|changed|last_?modified|last_?updated)/i
const creationField = /^(created|timestamp|time$|date$|occurred)/i

const moreFlag =
  /^(has_?more|has_?next(_?page)?|more|next|next_?(page|url|link|cursor|token|page_?token)|cursor|page_?token|continuation(_?token)?|after)$/i
const totals = /^(total|total_?(count|records|results|items)|count|totalCount)$/i

/** What to declare, as far as the sign tells: where the token is, but not which parameter takes it. */
function pagingThatReads(sign: string): string {
  const [, path, value = ''] = /^([A-Za-z_][\w.]*): "(.*)$/.exec(sign) ?? []
  if (sign.startsWith('a Link')) return 'declare paging: {type: link}'
  if (path === undefined) return 'declare paging, such as {type: cursor, …} or {type: link}'
  return /^(https?:)?\//.test(value)
    ? `declare paging: {type: next_url, at: ${path}}`
    : `declare paging: {type: cursor, at: ${path}, name: <the parameter that takes it>}`
}

/** What in an answer speaks of further pages; the top and one level below are looked at. */
export function signOfMorePages(
  response: unknown,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  if (/rel="?next"?/i.test(headers.link ?? '')) return 'a Link header with rel="next"'
  if (!isRecord(response)) return undefined
  const longest = Math.max(
    0,
    ...Object.values(response).map((v) => (Array.isArray(v) ? v.length : 0)),
  )
  const levels: [string, Record<string, unknown>][] = [['', response]]
  for (const [name, value] of Object.entries(response))
    if (isRecord(value)) levels.push([`${name}.`, value])
  // A token says more than a flag: where to read on.
  let flag: string | undefined
  for (const [prefix, level] of levels) {
    for (const [name, value] of Object.entries(level)) {
      if (moreFlag.test(name) && typeof value === 'string' && value !== '')
        return `${prefix}${name}: ${JSON.stringify(value).slice(0, 60)}`
      if (moreFlag.test(name) && value === true) flag ??= `${prefix}${name}: true`
      if (totals.test(name) && typeof value === 'number' && longest > 0 && value > longest)
        flag ??= `${prefix}${name}: ${value}, and ${longest} records came`
    }
  }
  return flag
}

function isOrdered(times: readonly (number | null)[], order: 'asc' | 'desc'): boolean {
  let last: number | null = null
  for (const time of times) {
    if (time === null) continue
    if (last !== null && (order === 'asc' ? time < last : time > last)) return false
    last = time
  }
  return true
}

/** Fewer different times prove no order. */
const fewestTimes = 5

function orderOf(times: readonly (number | null)[]): 'asc' | 'desc' | 'none' {
  if (new Set(times).size < fewestTimes) return 'none'
  if (isOrdered(times, 'asc')) return 'asc'
  return isOrdered(times, 'desc') ? 'desc' : 'none'
}
