import type { ApiAnswer, ApiRequest } from '../built-in/vendor.ts'
import { byTime, type Item, iso, type Json } from '../built-in/world.ts'

/** A server of one vendor that takes nothing but what its own documentation says. */
export interface Vendor {
  hosts: string[]
  config: Json
  answer(request: ApiRequest): ApiAnswer
}

/** What the documentation names, so that manifests written for one vendor or another find their own words. */
export interface MarketingNames {
  host: string
  scheme: string
  key: string
}
export interface ShopNames {
  host: string
  /** before each path */
  base: string
  tokenPath: string
  tokenHeader: string
  limitHeader: string
}

const day = Date.UTC(2026, 2, 3)
const dayMs = 86_400_000
/** Two ranges side by side. */
export const ranges = [day, day + dayMs].map((start) => ({ start, end: start + dayMs }))

/** Times at each edge, a second beside it, and between. */
export const times: number[] = [0, 1, 2]
  .flatMap((edge) => [-1_000, 0, 1_000].map((tick) => day + edge * dayMs + tick))
  .concat([1, 2, 3, 4, 5, 6].map((n) => day + n * 25_000_000))

const pageSize = 3
const refuse = (status: number, why: string): ApiAnswer => ({
  status,
  body: { errors: [{ detail: why, message: why }] },
})

/** A page of a list, and where the next begins. */
function pageFrom(items: readonly Item[], place: number, size = pageSize) {
  const next = place + size < items.length ? place + size : null
  return { records: items.slice(place, place + size).map(({ record }) => record), next }
}

const timeFields: Record<string, { time: string; operators: string[]; most: number }> = {
  events: { time: 'datetime', operators: ['greater-or-equal', 'less-than'], most: 1_000 },
  profiles: { time: 'updated', operators: ['greater-than', 'less-than'], most: 100 },
  lists: { time: 'updated', operators: ['greater-than'], most: 10 },
  campaigns: { time: 'updated_at', operators: ['greater-or-equal', 'less-than'], most: 100 },
}
const compare: Record<string, (ms: number, bound: number) => boolean> = {
  'greater-or-equal': (ms, bound) => ms >= bound,
  'greater-than': (ms, bound) => ms > bound,
  'less-than': (ms, bound) => ms < bound,
}

/** JSON:API with filters that are functions, next addresses and things included beside. */
export function marketingVendor({ host, scheme, key }: MarketingNames): Vendor {
  const itemsOf = (name: string, time: string): Item[] =>
    times.map((ms, n) => ({
      ms,
      record: {
        id: `${name}-${n}`,
        attributes: { [time]: iso(ms).replace('Z', '+00:00'), n },
        relationships: {
          metric: { data: { type: 'metric', id: 'm1' } },
          profile: { data: { type: 'profile', id: 'p1' } },
        },
      },
    }))
  const answer = ({ method, path, query, headers }: ApiRequest): ApiAnswer => {
    if (headers.authorization !== `${scheme} ${key}`) return refuse(401, 'not authenticated')
    if (headers.revision !== '2026-07-15') return refuse(400, 'a revision is required')
    if (headers.accept !== 'application/vnd.api+json') return refuse(406, 'not acceptable')
    const name = path.replace('/api/', '')
    if (method !== 'GET') return refuse(405, method)
    if (name === 'accounts') return { body: { data: [{ id: 'a1' }], links: { next: null } } }
    const endpoint = timeFields[name]
    if (!endpoint) return refuse(404, path)
    const { time, most } = endpoint
    const problem = filterProblem(name, query)
    if (problem) return refuse(400, problem)
    const size = Number(query.get('page[size]') ?? most)
    if (!(size >= 1 && size <= most)) return refuse(400, `page[size] ${size}`)
    if (!['', time, `-${time}`].includes(query.get('sort') ?? '')) return refuse(400, 'sort')
    const found = byTime(itemsOf(name, time)).filter((item) => passes(query, item))
    if (query.get('sort')?.startsWith('-')) found.reverse()
    const { records, next } = pageFrom(found, Number(query.get('page[cursor]') ?? 0))
    const here = new URLSearchParams(query)
    here.set('page[cursor]', String(next))
    const links = { next: next === null ? null : `https://${host}${path}?${here}` }
    const included = (query.get('include')?.split(',') ?? []).map((type) => ({
      type,
      id: `${type[0]}1`,
      attributes: { name: `the ${type}` },
    }))
    return { body: { data: records, links, ...(included.length > 0 ? { included } : {}) } }
  }
  return { hosts: [host], config: { api_key: key }, answer }
}

/** `and(…)` around several, or a list of them. */
const partsOf = (query: URLSearchParams): string[] =>
  (/^and\((.*)\)$/.exec(query.get('filter') ?? '')?.[1] ?? query.get('filter') ?? '').split(
    /,(?=[a-z-]+\()/,
  )

const partOf = (text: string): string[] => /^([a-z-]+)\(([a-z_.]+),(.+)\)$/.exec(text) ?? []

function filterProblem(name: string, query: URLSearchParams): string | undefined {
  const { time, operators } = timeFields[name] as (typeof timeFields)[string]
  for (const text of partsOf(query)) {
    const [, operator = '', field, value = ''] = partOf(text)
    const isEqual = name === 'campaigns' && operator === 'equals'
    if (isEqual && field === 'messages.channel' && /^'(email|sms)'$/.test(value)) continue
    if (isEqual && field === 'archived' && /^(true|false)$/.test(value)) continue
    if (field !== time || !operators.includes(operator)) return `filter ${text}`
    if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+00:00$/.test(value)) return `time ${value}`
  }
  if (name !== 'campaigns' || query.get('filter')?.includes('messages.channel')) return undefined
  return 'messages.channel is required'
}

/** Of campaigns, one in two belongs to a channel, and one in two of them is archived. */
function passes(query: URLSearchParams, { ms, record }: Item): boolean {
  const { n } = record.attributes as { n: number }
  return partsOf(query).every((text) => {
    const [, operator = '', field, value = ''] = partOf(text)
    if (field === 'messages.channel') return value === (n % 2 === 0 ? "'email'" : "'sms'")
    if (field === 'archived') return value === String(n % 4 < 2)
    return (compare[operator] as (typeof compare)[string])(ms, Date.parse(value))
  })
}

const orderOf = (n: number, ms: number): Json => ({
  id: n + 1,
  updated_at: iso(ms),
  status: n % 2 === 0 ? 'open' : 'closed',
  refunds: n % 3 === 0 ? [] : [{ id: 100 + n }, { id: 200 + n }],
})

/** A shop with Link headers, client credentials and orders that are only open unless asked otherwise. */
export function shopVendor(names: ShopNames): Vendor {
  const { host, base, tokenPath, tokenHeader, limitHeader } = names
  let heavy = true
  const orders = byTime(times.map((ms, n) => ({ ms, record: orderOf(n, ms) })))
  const list = ({ path, query }: ApiRequest): ApiAnswer => {
    const token = query.get('page_info')
    const others = [...query.keys()].filter((name) => name !== 'limit' && name !== 'page_info')
    if (token !== null && others.length > 0) return refuse(400, `page_info and ${others}`)
    const limit = Number(query.get('limit'))
    if (!(limit >= 1 && limit <= 250)) return refuse(400, 'limit')
    // Heavy pages time out, once.
    if (heavy && token !== null && limit === 250) {
      heavy = false
      return refuse(502, 'bad gateway')
    }
    const [place = '', first = ''] = token?.split('~') ?? ['0', query.toString()]
    const filter = new URLSearchParams(first)
    const [min, max] = ['min', 'max'].map((edge) =>
      Date.parse(filter.get(`updated_at_${edge}`) ?? ''),
    )
    if (!(Number(min) <= Number(max))) return refuse(400, 'updated_at_min and updated_at_max')
    const found = orders.filter(
      ({ ms, record }) =>
        ms >= Number(min) &&
        ms <= Number(max) &&
        (filter.get('status') === 'any' || record.status === 'open'),
    )
    const { records, next } = pageFrom(found, Number(place), Math.min(limit, pageSize))
    const at = `https://${host}${path}?limit=${limit}&page_info=${encodeURIComponent(`${next}~${first}`)}`
    const headers: Record<string, string> = next === null ? {} : { link: `<${at}>; rel="next"` }
    return { body: { orders: records }, headers }
  }
  const answer = (request: ApiRequest): ApiAnswer => {
    const { path, body, headers } = request
    if (path === tokenPath) {
      const isRight = new URLSearchParams(body).get('client_secret') === 'shpss_1'
      return isRight
        ? { body: { access_token: 'shpat_1', expires_in: 86_399 } }
        : refuse(400, 'invalid_client')
    }
    if (headers[tokenHeader] !== 'shpat_1') return refuse(401, 'invalid access token')
    const name = path.replace(`${base}/`, '')
    const transactions = /^orders\/(\d+)\/transactions\.json$/.exec(name)?.[1]
    if (name === 'shop.json') return { body: { shop: { id: 1 } } }
    if (name === 'locations.json') return { body: { locations: [{ id: 3 }, { id: 4 }] } }
    if (transactions === '2') return refuse(404, 'not found')
    if (transactions) return { body: { transactions: [{ id: 500 + Number(transactions) }] } }
    if (name !== 'orders.json') return refuse(404, path)
    const found = list(request)
    return { ...found, headers: { ...found.headers, [limitHeader]: '2/40' } }
  }
  const config = { shop: host.split('.')[0], client_id: 'a1', client_secret: 'shpss_1' }
  return { hosts: [host], config, answer }
}

/** The same shop by GraphQL: limits and errors come with status 200. */
export function graphqlVendor({ host, base, tokenHeader }: ShopNames): Vendor {
  let asked = 0
  const answer = ({ method, path, headers, body }: ApiRequest): ApiAnswer => {
    if (headers[tokenHeader] !== 'shpat_1') return refuse(401, 'invalid access token')
    if (method !== 'POST' || path !== `${base}/graphql.json`) return refuse(404, path)
    const { query, variables } = JSON.parse(body) as { query: string; variables: Json }
    const [, min = '', max = ''] =
      /^updated_at:>='(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)' AND updated_at:<'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)'$/.exec(
        String(variables.q),
      ) ?? []
    const [from, to] = [Date.parse(min), Date.parse(max)]
    if (!/\borders\(first: \$first, after: \$after, query: \$q/.test(query) || !(from < to))
      return { body: { errors: [{ message: `can't read ${variables.q}` }] } }
    asked += 1
    if (asked === 2)
      return { body: { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }] } }
    const found = byTime(
      times.map((ms, n) => ({ ms, record: { id: `o${n}`, updatedAt: iso(ms) } })),
    ).filter(({ ms }) => ms >= from && ms < to)
    const after = variables.after === null ? 0 : Number(String(variables.after).slice(1))
    const { records, next } = pageFrom(found, after)
    const pageInfo = { hasNextPage: next !== null, endCursor: `c${next ?? found.length}` }
    const throttleStatus = { maximumAvailable: 2_000, currentlyAvailable: 1_990, restoreRate: 100 }
    return {
      body: {
        data: { orders: { pageInfo, nodes: records } },
        extensions: { cost: { throttleStatus } },
      },
    }
  }
  return { hosts: [host], config: { shop: host.split('.')[0], access_token: 'shpat_1' }, answer }
}
