import {
  type ApiAnswer,
  type ApiRequest,
  type BuiltIn,
  type SimulatedApi,
  type StreamCase,
  simulate,
} from './vendor.ts'
import { byTime, type Item, itemsOf, type Json, pageOf, placeOf, put, tokenOf } from './world.ts'

const host = 'api.eu.intercom.io'
const token = 'dG9rOmI3ZDRjZmE5XzE2MTBfNDRhNV9iMmEwX2Y3'
/** Of the workspace; not that of the source. */
const workspaceZone = 'America/New_York'

const searches: Record<string, { records: string; most: number }> = {
  contacts: { records: 'data', most: 150 },
  conversations: { records: 'conversations', most: 150 },
  tickets: { records: 'tickets', most: 150 },
}
const shortLists: Record<string, string> = {
  admins: 'admins',
  teams: 'teams',
  tags: 'data',
  segments: 'segments',
  ticket_types: 'data',
  subscription_types: 'data',
  data_attributes: 'data',
}

const refuse = (status: number, code: string, message: string): ApiAnswer => ({
  status,
  body: { type: 'error.list', request_id: 'b68q', errors: [{ code, message }] },
})

/** An app has one scroll at a time. Its parameter stays the same; where it stands, the server knows. */
interface Scroll {
  place: number | null
}

/** Intercom's API as its description of version 2.16 says. */
function answer(api: SimulatedApi, request: ApiRequest, scroll: Scroll): ApiAnswer {
  const { headers, path } = request
  if (headers.authorization !== `Bearer ${token}`)
    return refuse(401, 'unauthorized', 'Access Token Invalid')
  if (headers['intercom-version'] !== '2.16')
    return refuse(400, 'intercom_version_invalid', 'The requested version could not be found')
  const [, name = '', more] = path.split('/')
  if (name === 'me') return { body: { type: 'admin', id: '1', app: { timezone: workspaceZone } } }
  const search = searches[name]
  if (search && more === 'search') return searched(api, request, name, search)
  if (path === '/admins/activity_logs') return activityLogs(api, request)
  if (path === '/companies/scroll') return scrolled(api, request, scroll)
  if (path === '/articles') return numbered(api, request, 'articles')
  if (path === '/help_center/collections') return numbered(api, request, 'collections')
  const place = shortLists[name]
  if (!place || more !== undefined) return refuse(404, 'not_found', 'Resource Not Found')
  return { body: { type: 'list', [place]: itemsOf(api.world, name).map(({ record }) => record) } }
}

interface Query {
  query?: { operator?: string; value?: { field: string; operator: string; value: number }[] }
  pagination?: { per_page?: number; starting_after?: string }
}

function searched(
  { world, faults }: SimulatedApi,
  { method, body }: ApiRequest,
  name: string,
  { records: key, most }: { records: string; most: number },
): ApiAnswer {
  const asked: Query = method === 'POST' ? JSON.parse(body) : {}
  const { operator, value: tests = [] } = asked.query ?? {}
  const size = asked.pagination?.per_page ?? 20
  if (operator !== 'AND' || tests.length === 0) return refuse(400, 'parameter_invalid', 'query')
  if (!(size >= 1 && size <= most)) return refuse(400, 'parameter_invalid', 'per_page')
  const byDay = name === 'contacts'
  for (const test of tests) {
    const known = ['updated_at', 'created_at'].includes(test.field)
    if (!known || !['>', '<', '='].includes(test.operator) || !Number.isInteger(test.value))
      return refuse(400, 'parameter_invalid', `${test.field} ${test.operator}`)
  }
  const found = byTime(itemsOf(world, name)).filter((item) =>
    tests.every((test) => (byDay ? dayTest(item, test) : secondTest(item, test))),
  )
  const after = asked.pagination?.starting_after
  const place = after === undefined ? 0 : placeOf(after)
  if (place === null) return refuse(400, 'parameter_invalid', 'starting_after')
  const { records, next } = pageOf(world, faults, found, place, size)
  const pages: Json = { type: 'pages', page: 1, per_page: size, total_pages: 9 }
  if (next !== null) pages.next = { page: 2, starting_after: tokenOf(next) }
  return { body: { type: 'list', [key]: records, total_count: found.length, pages } }
}

type Test = { operator: string; value: number }

/** Conversations and tickets: by the second, and whether an edge counts is not said; here it does not. */
function secondTest({ ms }: Item, { operator, value }: Test): boolean {
  return operator === '>' ? ms / 1_000 > value : ms / 1_000 < value
}

/** Contacts: cut to days of the workspace. ">" begins with the next day, "<" ends before the day. */
function dayTest({ ms }: Item, { operator, value }: Test): boolean {
  const day = Temporal.Instant.fromEpochMilliseconds(value * 1_000)
    .toZonedDateTimeISO(workspaceZone)
    .startOfDay()
  if (operator === '>') return ms >= day.add({ days: 1 }).startOfDay().epochMilliseconds
  return ms < day.epochMilliseconds
}

function activityLogs({ world, faults }: SimulatedApi, { query }: ApiRequest): ApiAnswer {
  const after = query.get('created_at_after')
  if (after === null) return refuse(400, 'parameter_invalid', 'created_at_after')
  const before = Number(query.get('created_at_before') ?? Number.POSITIVE_INFINITY)
  const found = byTime(itemsOf(world, 'activity_logs')).filter(
    ({ ms }) => ms / 1_000 > Number(after) && ms / 1_000 < before,
  )
  const page = Number(query.get('page') ?? 0)
  const { records, next } = pageOf(world, faults, found, page, 5)
  const here = new URLSearchParams(query)
  if (next !== null) here.set('page', String(next))
  const url =
    next === null ? null : `https://${faults.nextHost ?? host}/admins/activity_logs?${here}`
  return {
    body: { type: 'activity_log.list', pages: { next: url, per_page: 5 }, activity_logs: records },
  }
}

function scrolled(
  { world, faults }: SimulatedApi,
  { query }: ApiRequest,
  scroll: Scroll,
): ApiAnswer {
  const given = query.get('scroll_param')
  if (given === null && scroll.place !== null) scroll.place = null
  if (given !== null && given !== 'scroll-1')
    return refuse(404, 'not_found', 'scroll parameter not found')
  const at = given === null ? 0 : (scroll.place ?? 0)
  const { records } = pageOf(world, faults, itemsOf(world, 'companies'), at, 5)
  scroll.place = at + records.length
  return {
    body: { type: 'list', data: records, pages: null, total_count: null, scroll_param: 'scroll-1' },
  }
}

function numbered({ world, faults }: SimulatedApi, { query }: ApiRequest, name: string): ApiAnswer {
  const size = Number(query.get('per_page') ?? 25)
  const page = Number(query.get('page') ?? 1)
  if (!(size >= 1 && size <= 250) || !(page >= 1)) return refuse(400, 'parameter_invalid', 'page')
  const all = itemsOf(world, name)
  const { records } = pageOf(world, faults, all, (page - 1) * size, size)
  const pages = { type: 'pages', page, per_page: size, total_pages: Math.ceil(all.length / size) }
  return { body: { type: 'list', data: records, total_count: all.length, pages } }
}

const simple = (name: string, time: string | null, more: Partial<StreamCase> = {}): StreamCase => ({
  seed(world, n, ms) {
    const id = `${name}-${n}`
    put(world, name, ms, time === null ? { id } : { id, [time]: ms / 1_000 })
    return [id]
  },
  rowId: ({ id }) => String(id),
  ...more,
})

const attributes: StreamCase = {
  seed(world, n, ms) {
    const model = n % 2 === 0 ? 'company' : 'contact'
    put(world, 'data_attributes', ms, { model, full_name: `field_${n}`, name: 'field' })
    return [`${model} field_${n}`]
  },
  rowId: (row) => `${row.model} ${row.full_name}`,
  unpaged: true,
}

export const intercom: BuiltIn = {
  id: 'intercom',
  hosts: [host],
  makeApi(world) {
    const scroll: Scroll = { place: null }
    return simulate((api, request) => answer(api, request, scroll))(world)
  },
  config: { access_token: token, region: 'EU' },
  wrongConfig: { access_token: 'dG9rOndyb25nMDAwMA', region: 'EU' },
  secrets: [token, 'dG9rOndyb25nMDAwMA'],
  forbidden: refuse(403, 'api_plan_restricted', 'Active subscription needed.'),
  tooMany: {
    ...refuse(429, 'rate_limit_exceeded', 'Exceeded rate limit of 1000 in 10_seconds'),
    // Until when, in epoch seconds; the suite's clock stands at 2026-03-06.
    headers: { 'x-ratelimit-reset': String(Date.UTC(2026, 2, 6) / 1_000 + 9) },
  },
  tooManyWaitMs: 9_000,
  allows: [{ match: /^\//, requests: 1_667, perMs: 10_000 }],
  newestFirst: ['contacts', 'conversations', 'tickets', 'activity_logs'],
  streams: {
    // A day of another zone, and one more on either side.
    contacts: simple('contacts', 'updated_at', { slackMs: 50 * 3_600_000 }),
    conversations: simple('conversations', 'updated_at'),
    tickets: simple('tickets', 'updated_at'),
    activity_logs: simple('activity_logs', 'created_at'),
    companies: simple('companies', null),
    articles: simple('articles', null),
    collections: simple('collections', null),
    admins: simple('admins', null, { unpaged: true }),
    teams: simple('teams', null, { unpaged: true }),
    tags: simple('tags', null, { unpaged: true }),
    segments: simple('segments', null, { unpaged: true }),
    ticket_types: simple('ticket_types', null, { unpaged: true }),
    subscription_types: simple('subscription_types', null, { unpaged: true }),
    data_attributes: attributes,
  },
}
