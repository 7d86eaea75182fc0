import {
  type ApiAnswer,
  type ApiRequest,
  type BuiltIn,
  type SimulatedApi,
  type StreamCase,
  simulate,
} from './vendor.ts'
import { type Item, itemsOf, type Json, pageOf, placeOf, put, tokenOf } from './world.ts'

/** What an endpoint allows, from its reference page. */
interface Endpoint {
  /** attribute that holds the item's own time */
  time: string | null
  filters: Record<string, string[]>
  sorts: string[]
  sizes: { usual: number; most: number } | null
  needs?: string
}

const all = ['greater-or-equal', 'greater-than', 'less-or-equal', 'less-than']
const up = (most: number, usual = most) => ({ most, usual })

const endpoints: Record<string, Endpoint> = {
  events: {
    time: 'datetime',
    filters: { datetime: all, timestamp: all, metric_id: ['equals'] },
    sorts: ['datetime', 'timestamp'],
    sizes: up(1_000, 200),
  },
  profiles: {
    time: 'updated',
    filters: { updated: ['greater-than', 'less-than'], created: ['greater-than', 'less-than'] },
    sorts: ['created', 'email', 'id', 'updated'],
    sizes: up(100, 20),
  },
  campaigns: {
    time: 'updated_at',
    filters: {
      'messages.channel': ['equals'],
      archived: ['equals'],
      updated_at: all,
      created_at: all,
    },
    sorts: ['created_at', 'id', 'name', 'updated_at'],
    sizes: up(100),
    needs: 'messages.channel',
  },
  flows: {
    time: 'updated',
    filters: { archived: ['equals'], updated: ['equals', ...all], created: ['equals', ...all] },
    sorts: ['created', 'id', 'name', 'updated'],
    sizes: up(50),
  },
  templates: {
    time: 'updated',
    filters: { updated: ['equals', ...all], created: ['equals', ...all] },
    sorts: ['created', 'id', 'name', 'updated'],
    sizes: up(10),
  },
  forms: {
    time: 'updated_at',
    filters: { updated_at: all, created_at: all },
    sorts: ['created_at', 'updated_at'],
    sizes: up(100, 20),
  },
  reviews: {
    time: 'created',
    filters: { created: ['greater-or-equal', 'less-or-equal'] },
    sorts: ['created', 'rating', 'updated'],
    sizes: up(100, 20),
  },
  lists: {
    time: null,
    filters: { updated: ['greater-than'], created: ['greater-than'] },
    sorts: ['created', 'id', 'name', 'updated'],
    sizes: up(10),
  },
  segments: {
    time: null,
    filters: { updated: ['greater-than'], created: ['greater-than'] },
    sorts: ['created', 'id', 'name', 'updated'],
    sizes: up(10),
  },
  metrics: { time: null, filters: {}, sorts: [], sizes: null },
  tags: { time: null, filters: {}, sorts: ['id', 'name'], sizes: up(50) },
  coupons: { time: null, filters: {}, sorts: [], sizes: up(100) },
}

const apiKey = 'pk_5f1c0d3b2a4e6978'
const revisions = ['2026-01-15', '2026-04-15', '2026-07-15']

const refuse = (status: number, code: string, detail: string): ApiAnswer => ({
  status,
  body: {
    errors: [{ id: 'e1', status, code, title: code, detail, source: { pointer: '/data/' } }],
  },
})

/** Klaviyo as its reference of revision 2026-07-15 describes it. */
function answer({ world, faults }: SimulatedApi, request: ApiRequest): ApiAnswer {
  const { headers, path, query } = request
  const { revision } = headers
  if (headers.authorization !== `Klaviyo-API-Key ${apiKey}`)
    return refuse(401, 'not_authenticated', 'Missing or invalid authorization scheme.')
  if (typeof revision !== 'string') return refuse(400, 'invalid', 'A revision is required.')
  if (!revisions.includes(revision)) return refuse(410, 'gone', 'The revision is not available.')
  const name = path.slice('/api/'.length)
  if (name === 'accounts') return { body: { data: [{ type: 'account', id: 'A1' }], links: {} } }
  const endpoint = endpoints[name]
  if (!endpoint) return refuse(404, 'not_found', path)
  const sort = query.get('sort')
  if (sort !== null && !endpoint.sorts.includes(sort.replace(/^-/, '')))
    return refuse(400, 'invalid', `sort ${sort}`)
  const { sizes } = endpoint
  const size = Number(query.get('page[size]') ?? sizes?.usual ?? 7)
  if (query.has('page[size]') && !(sizes && size >= 1 && size <= sizes.most))
    return refuse(400, 'invalid', `page[size] ${size}`)
  const tests = testsOf(endpoint, query.get('filter') ?? '')
  if (typeof tests === 'string') return refuse(400, 'invalid', tests)
  const found = itemsOf(world, name)
    .filter((item) => tests.every((test) => test(item)))
    .sort((a, b) => (sort?.startsWith('-') ? b.ms - a.ms : a.ms - b.ms))
  const cursor = query.get('page[cursor]')
  const place = cursor === null ? 0 : placeOf(cursor)
  if (place === null) return refuse(400, 'invalid', 'page[cursor]')
  const { records, next } = pageOf(world, faults, found, place, size)
  const here = new URLSearchParams(query)
  const at = (token: string): string => {
    here.set('page[cursor]', token)
    return `https://${faults.nextHost ?? 'a.klaviyo.com'}${path}?${here}`
  }
  const body: Json = {
    data: records,
    links: {
      self: `https://a.klaviyo.com${path}`,
      next: next === null ? null : at(tokenOf(next)),
      prev: null,
    },
  }
  if (query.get('include') === 'metric')
    body.included = [{ type: 'metric', id: 'M1', attributes: { name: 'Placed Order' } }]
  return { body }
}

/** The filter as tests of items, or what is wrong with it. */
function testsOf(endpoint: Endpoint, filter: string): ((item: Item) => boolean)[] | string {
  const tests: ((item: Item) => boolean)[] = []
  const seen: string[] = []
  const parts = filter === '' ? [] : filter.split(/,(?=[a-z-]+\()/)
  for (const part of parts) {
    const [, operator = '', field = '', value = ''] =
      /^([a-z-]+)\(([a-z_.]+),(.+)\)$/.exec(part) ?? []
    if (!endpoint.filters[field]?.includes(operator)) return `filter ${part}`
    seen.push(field)
    if (operator === 'equals') {
      const wanted =
        /^'(.*)'$/.exec(value)?.[1] ?? (value === 'true' ? true : value === 'false' ? false : null)
      if (wanted === null) return `value ${value}`
      tests.push(({ record }) => record[`_${field}`] === wanted)
      continue
    }
    const bound = Date.parse(value)
    if (Number.isNaN(bound)) return `time ${value}`
    tests.push(({ ms }) => compare(operator, ms, bound))
  }
  if (endpoint.needs && !seen.includes(endpoint.needs)) return `${endpoint.needs} is required`
  return tests
}

function compare(operator: string, value: number, bound: number): boolean {
  if (operator === 'greater-or-equal') return value >= bound
  if (operator === 'greater-than') return value > bound
  return operator === 'less-or-equal' ? value <= bound : value < bound
}

/** Klaviyo writes times with an offset, of UTC. */
const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`

function stream(name: string): StreamCase {
  const { time } = endpoints[name] as Endpoint
  return {
    seed(world, n, ms) {
      const id = `${name}-${n}`
      put(world, name, ms, {
        type: name.replace(/s$/, ''),
        id,
        attributes: time === null ? { name: id } : { [time]: timeText(ms), name: id },
        relationships: { metric: { data: { type: 'metric', id: 'M1' } } },
        // What equals() looks at; a real record says it elsewhere.
        '_messages.channel': ['email', 'sms', 'mobile_push'][n % 3],
        _archived: n % 2 === 0,
      })
      return [id]
    },
    rowId: ({ id }) => String(id),
  }
}

export const klaviyo: BuiltIn = {
  id: 'klaviyo',
  hosts: ['a.klaviyo.com'],
  makeApi: simulate(answer),
  config: { api_key: apiKey },
  wrongConfig: { api_key: 'pk_wrong0000' },
  secrets: [apiKey, 'pk_wrong0000'],
  forbidden: refuse(403, 'permission_denied', 'You do not have permission to perform this action.'),
  tooMany: {
    ...refuse(429, 'throttled', 'Request was throttled.'),
    headers: { 'retry-after': '17' },
  },
  tooManyWaitMs: 17_000,
  allows: [
    { match: /^\/api\/events/, requests: 350, perMs: 1_000 },
    { match: /^\/api\/(profiles|lists|segments|templates|coupons)/, requests: 75, perMs: 1_000 },
    { match: /^\/api\/(flows|forms|tags)/, requests: 3, perMs: 1_000 },
    { match: /^\/api\/(flows|forms|tags)/, requests: 60, perMs: 60_000 },
    { match: /^\/api\/(campaigns|metrics|reviews)/, requests: 10, perMs: 1_000 },
  ],
  newestFirst: ['events', 'profiles', 'campaigns', 'flows', 'templates', 'forms', 'reviews'],
  streams: Object.fromEntries(Object.keys(endpoints).map((name) => [name, stream(name)])),
}
