import {
  type ApiAnswer,
  type ApiRequest,
  type BuiltIn,
  type SimulatedApi,
  type StreamCase,
  simulate,
} from './vendor.ts'
import { byTime, type Item, iso, itemsOf, pageOf, placeOf, put, tokenOf } from './world.ts'

const host = 'acme.zendesk.com'
const apiToken = '6wiIBWbGkBMo1mRDMuVwkw1EPsNkeUj95PIz2akv'
const email = 'admin@acme.example'
/** of the scope read */
export const oauthToken = 'f5c1d2e3a4b596877869'
const basic = Buffer.from(`${email}/token:${apiToken}`).toString('base64')

/** Exports, by path, with the time that start_time is compared with. */
const exports_ = {
  'incremental/tickets/cursor': { name: 'tickets', cursor: true },
  'incremental/users/cursor': { name: 'users', cursor: true },
  'incremental/organizations': { name: 'organizations', cursor: false },
  'incremental/ticket_events': { name: 'ticket_events', cursor: false },
  'incremental/ticket_metric_events': { name: 'ticket_metric_events', cursor: false },
} as const

/** Lists with cursor pagination. */
const lists = [
  'groups',
  'group_memberships',
  'organization_memberships',
  'brands',
  'ticket_fields',
  'macros',
  'triggers',
  'automations',
  'tags',
]

const refuse = (status: number, error: string, description: string): ApiAnswer => ({
  status,
  body: { error, description },
})

/** The export answers up to so many records, and more where they share one second. */
const exportSize = 4
/** The suite's clock: a day after the last range. */
const now = Date.UTC(2026, 2, 6)

/** Zendesk Support as its API reference and its export guide describe it. */
function answer(api: SimulatedApi, request: ApiRequest): ApiAnswer {
  const { headers, path, query } = request
  if (
    headers.authorization !== `Basic ${basic}` &&
    headers.authorization !== `Bearer ${oauthToken}`
  )
    return { status: 401, body: { error: "Couldn't authenticate you" } }
  const name = path.slice('/api/v2/'.length).replace(/\.json$/, '')
  if (Object.hasOwn(exports_, name)) {
    const { name: what, cursor } = exports_[name as keyof typeof exports_]
    const from = query.get('start_time')
    if (from !== null && Number(from) * 1_000 > now - 60_000)
      return refuse(
        422,
        'InvalidValue',
        'Too recent start_time. Use a start_time older than 60 seconds',
      )
    return cursor ? byCursor(api, request, what) : byStart(api, request, what)
  }
  if (name === 'ticket_forms') {
    const records = itemsOf(api.world, name).map(({ record }) => record)
    return { body: { ticket_forms: records, next_page: null, count: records.length } }
  }
  if (name === 'audit_logs') return auditLogs(api, request)
  if (!lists.includes(name)) return refuse(404, 'RecordNotFound', 'Not found')
  return cursorPage(api, request, name, itemsOf(api.world, name))
}

/** Cursor pagination: links.next is there on the last page, too; only has_more tells. */
function cursorPage(
  { world, faults }: SimulatedApi,
  { path, query }: ApiRequest,
  name: string,
  items: readonly Item[],
): ApiAnswer {
  const size = Number(query.get('page[size]') ?? 0)
  // Without page[size] the answer is of the old, offset kind and has neither meta nor links.
  if (!query.has('page[size]')) return { body: { [name]: [], next_page: null, count: 0 } }
  if (!(size >= 1 && size <= 100)) return refuse(400, 'InvalidPaginationParameter', 'page[size]')
  const after = query.get('page[after]')
  const place = after === null ? 0 : placeOf(after)
  if (place === null) return refuse(400, 'InvalidPaginationParameter', 'page[after]')
  const { records, next } = pageOf(world, faults, items, place, size)
  const here = new URLSearchParams(query)
  here.set('page[after]', tokenOf(next ?? items.length))
  const url = `https://${faults.nextHost ?? host}${path}?${here}`
  const meta = { has_more: next !== null, after_cursor: tokenOf(next ?? items.length) }
  return { body: { [name]: records, meta, links: { prev: null, next: url } } }
}

function byCursor(
  { world, faults }: SimulatedApi,
  { path, query }: ApiRequest,
  name: string,
): ApiAnswer {
  const cursor = query.get('cursor')
  const start = query.get('start_time')
  if ((cursor === null) === (start === null))
    return refuse(400, 'InvalidValue', 'start_time or cursor')
  const [from, place] = cursor === null ? [Number(start), 0] : cursorOf(cursor)
  const found = byTime(itemsOf(world, name)).filter(({ ms }) => ms >= from * 1_000)
  const { records, next } = pageOf(world, faults, found, place, exportSize)
  const after = Buffer.from(`${from}|${next ?? found.length}`).toString('base64url')
  const url = `https://${faults.nextHost ?? host}${path}?cursor=${after}`
  return {
    body: { [name]: records, after_url: url, after_cursor: after, end_of_stream: next === null },
  }
}

const cursorOf = (cursor: string): [number, number] =>
  Buffer.from(cursor, 'base64url').toString('utf8').split('|').map(Number) as [number, number]

/** The next page begins with the last second of this one, which is given again. */
function byStart(
  { world, faults }: SimulatedApi,
  { path, query }: ApiRequest,
  name: string,
): ApiAnswer {
  const start = Number(query.get('start_time') ?? Number.NaN)
  if (Number.isNaN(start)) return refuse(400, 'InvalidValue', 'start_time')
  const from = faults.loop ? 0 : start * 1_000
  const found = byTime(itemsOf(world, name)).filter(({ ms }) => ms >= from)
  const edge = found[exportSize - 1]?.ms
  const size = edge === undefined ? exportSize : found.filter(({ ms }) => ms <= edge).length
  const { records } = pageOf(world, {}, found, 0, size)
  const isEnd = !faults.loop && size >= found.length
  const end = (found[Math.min(size, found.length) - 1]?.ms ?? from) / 1_000
  const include = query.get('include')
  const more = include === null ? '' : `&include=${include}`
  const url = `https://${faults.nextHost ?? host}${path}?start_time=${end}${more}`
  return {
    body: {
      [name]: records,
      count: records.length,
      end_time: end,
      next_page: url,
      end_of_stream: isEnd,
    },
  }
}

function auditLogs(api: SimulatedApi, request: ApiRequest): ApiAnswer {
  const times = request.query.getAll('filter[created_at][]').map((text) => Date.parse(text))
  const [from, until] = times
  if (times.length !== 2 || times.some(Number.isNaN) || from === undefined || until === undefined)
    return refuse(400, 'InvalidFilter', 'created_at must be given twice')
  const found = byTime(itemsOf(api.world, 'audit_logs')).filter(
    ({ ms }) => ms >= from && ms <= until,
  )
  return cursorPage(api, request, 'audit_logs', found)
}

const simple = (
  name: string,
  record: (n: number, ms: number) => object,
  more = {},
): StreamCase => ({
  seed(world, n, ms) {
    put(world, name, ms, { id: n + 1, ...record(n, ms) })
    return [String(n + 1)]
  },
  rowId: ({ id }) => String(id),
  ...more,
})

const event = (n: number, ms: number) => ({
  ticket_id: 100 + n,
  timestamp: ms / 1_000,
  child_events: [
    { id: 10_000 + n, event_type: 'Comment', body: 'hello', public: true },
    { id: 20_000 + n, event_type: 'Change', status: 'open' },
  ],
})

const comments: StreamCase = {
  seed(world, n, ms) {
    put(world, 'ticket_events', ms, { id: n + 1, ...event(n, ms) })
    return [`${10_000 + n} of ${100 + n}`]
  },
  rowId: (row) => `${row.id} of ${row.ticket_id}`,
  mayRepeat: true,
}

const tags: StreamCase = {
  seed(world, n, ms) {
    put(world, 'tags', ms, { name: `tag-${n}`, count: n })
    return [`tag-${n}`]
  },
  rowId: ({ name }) => String(name),
}

export const zendesk: BuiltIn = {
  id: 'zendesk_support',
  hosts: [host],
  makeApi: simulate(answer),
  config: { subdomain: 'acme', email, api_token: apiToken },
  wrongConfig: { subdomain: 'acme', email, api_token: 'wrong0000wrong0000' },
  secrets: [apiToken, basic, 'wrong0000wrong0000'],
  forbidden: refuse(403, 'Forbidden', 'You do not have access to this page.'),
  tooMany: {
    status: 429,
    headers: { 'retry-after': '93' },
    body: 'Number of allowed API requests exceeded',
  },
  tooManyWaitMs: 93_000,
  allows: [
    { match: /\/incremental\//, requests: 10, perMs: 60_000 },
    { match: /^\/api\/v2\//, requests: 200, perMs: 60_000 },
  ],
  newestFirst: ['audit_logs'],
  streams: {
    tickets: simple('tickets', (n, ms) => ({
      generated_timestamp: ms / 1_000,
      // Some changes of the system leave it alone: it is older than what the export goes by.
      updated_at: iso(ms - (n % 3) * 86_400_000),
      status: n % 5 === 0 ? 'deleted' : 'open',
    })),
    users: simple('users', (_, ms) => ({ updated_at: iso(ms), active: true })),
    organizations: simple('organizations', (_, ms) => ({ updated_at: iso(ms) }), {
      mayRepeat: true,
    }),
    ticket_events: simple('ticket_events', event, { mayRepeat: true }),
    ticket_comments: comments,
    ticket_metric_events: simple('ticket_metric_events', (_, ms) => ({ time: iso(ms) }), {
      mayRepeat: true,
    }),
    audit_logs: simple('audit_logs', (_, ms) => ({ created_at: iso(ms) })),
    ticket_forms: simple('ticket_forms', () => ({}), { unpaged: true }),
    ...Object.fromEntries(lists.map((name) => [name, simple(name, () => ({}))])),
    tags,
  },
}
