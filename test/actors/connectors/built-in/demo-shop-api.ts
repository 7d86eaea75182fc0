import {
  type ApiAnswer,
  type ApiRequest,
  type BuiltIn,
  type SimulatedApi,
  type StreamCase,
  simulate,
} from './vendor.ts'
import {
  byTime,
  type Item,
  iso,
  itemsOf,
  type Json,
  pageOf,
  placeOf,
  put,
  tokenOf,
  type World,
} from './world.ts'

const host = 'shop.example'
const apiKey = 'shop_demo_key_7f3a9c'

/** A list of the shop: how it is asked, as its page says. */
interface List {
  /** the parameter of the page's size, and of where it begins */
  takes: [size: string, page: string]
  records: string
  /** tests of a record's time by parameter */
  filters?: Record<string, (ms: number, bound: string) => boolean>
  newestFirst?: true
  /** the only header that it takes the key in */
  key: [name: string, value: string]
}

const bearer: List['key'] = ['authorization', `Bearer ${apiKey}`]
const lists: Record<string, List> = {
  orders: {
    takes: ['limit', 'page_token'],
    records: 'orders',
    filters: {
      updated_at_min: (ms, bound) => ms >= Date.parse(bound),
      updated_at_max: (ms, bound) => ms < Date.parse(bound),
    },
    key: bearer,
  },
  events: {
    takes: ['limit', 'cursor'],
    records: 'data',
    filters: {
      since: (ms, bound) => ms >= Number(bound) * 1_000,
      until: (ms, bound) => Math.floor(ms / 1_000) <= Number(bound),
    },
    newestFirst: true,
    key: bearer,
  },
  customers: {
    takes: ['per_page', 'page'],
    records: 'results',
    filters: {
      modified_after: (ms, bound) => ms > Date.parse(bound),
      modified_before: (ms, bound) => ms < Date.parse(bound),
    },
    key: ['x-api-key', apiKey],
  },
  products: {
    takes: ['limit', 'offset'],
    records: 'items',
    key: ['authorization', `Basic ${Buffer.from(`${apiKey}:`).toString('base64')}`],
  },
  refunds: {
    takes: ['limit', 'cursor'],
    records: '',
    filters: { created_from: (ms, bound) => ms >= Date.parse(bound) },
    key: bearer,
  },
}

const refuse = (status: number, detail: string): ApiAnswer => ({ status, body: { detail } })

/** The shop of `derrick demo`, as the page of its API describes it. */
function answer(api: SimulatedApi, { path, query, headers }: ApiRequest): ApiAnswer {
  const name = path.replace('/v1/', '')
  if (name === 'shop')
    return headers.authorization === bearer[1]
      ? { body: { name: 'Demo Shop' } }
      : refuse(401, 'a valid key is needed')
  const list = lists[name]
  if (!list) return refuse(404, path)
  if (headers[list.key[0]] !== list.key[1]) return refuse(401, 'a valid key is needed')
  const known = [...list.takes, ...Object.keys(list.filters ?? {})]
  const odd = [...query.keys()].find((key) => !known.includes(key))
  if (odd !== undefined) return refuse(400, `no parameter ${odd} here`)
  const size = Number(query.get(list.takes[0]) ?? 50)
  if (!(size >= 1 && size <= 1_000)) return refuse(400, 'size')
  const found = byTime(itemsOf(api.world, name)).filter((item) => passes(list, query, item))
  if (list.newestFirst) found.reverse()
  return page(api, name, list, { found, query, size, path })
}

const passes = ({ filters = {} }: List, query: URLSearchParams, { ms }: Item): boolean =>
  Object.entries(filters).every(([key, test]) => {
    const bound = query.get(key)
    return bound === null || test(ms, bound)
  })

interface Asked {
  found: Item[]
  query: URLSearchParams
  size: number
  path: string
}

/** Each list turns its pages in a way of its own. */
function page(
  { world, faults }: SimulatedApi,
  name: string,
  { takes, records: at }: List,
  { found, query, size, path }: Asked,
): ApiAnswer {
  const given = query.get(takes[1])
  const place =
    takes[1] === 'page'
      ? (Number(given ?? 1) - 1) * size
      : takes[1] === 'offset'
        ? Number(given ?? 0)
        : given === null
          ? 0
          : placeOf(given)
  if (place === null || !(place >= 0)) return refuse(400, takes[1])
  const { records, next } = pageOf(world, faults, found, place, size)
  const token = next === null ? null : tokenOf(next)
  const here = new URLSearchParams(query)
  if (token !== null) here.set(takes[1], token)
  const url = `https://${faults.nextHost ?? host}${path}?${here}`
  const total = found.length
  switch (name) {
    case 'orders':
      return { body: { [at]: records, has_more: token !== null, next_page_token: token } }
    case 'events':
      return { body: { [at]: records, links: { next: token === null ? null : url } } }
    case 'customers':
      return { body: { [at]: records, total_pages: Math.ceil(total / size), total } }
    case 'products':
      return { body: { [at]: records, total } }
    default:
      return token === null
        ? { body: records }
        : { body: records, headers: { link: `<${url}>; rel="next"` } }
  }
}

function stream(name: string, time: string, more: Partial<StreamCase> = {}): StreamCase {
  return {
    seed(world: World, n: number, ms: number) {
      const record: Json = { id: `${name}-${n}`, sku: `sku-${n}`, [time]: iso(ms) }
      put(world, name, ms, { ...record, ...(name === 'customers' ? { deleted: n % 5 === 0 } : {}) })
      return [`${name}-${n}`]
    },
    rowId: ({ id }) => String(id),
    ...more,
  }
}

export const demoShop: BuiltIn = {
  id: 'demo_shop',
  hosts: [host],
  makeApi: simulate(answer),
  config: { base_url: `https://${host}`, api_key: apiKey },
  wrongConfig: { base_url: `https://${host}`, api_key: 'shop_wrong_key_000' },
  secrets: [apiKey, 'shop_wrong_key_000'],
  forbidden: refuse(403, 'this key may not do that'),
  tooMany: { ...refuse(429, 'slow down'), headers: { 'retry-after': '3' } },
  tooManyWaitMs: 3_000,
  allows: [],
  newestFirst: ['orders', 'events', 'customers'],
  streams: {
    orders: stream('orders', 'updated_at', { tickMs: 1 }),
    events: stream('events', 'created_at'),
    customers: stream('customers', 'modified_at'),
    products: stream('products', 'made_at'),
    refunds: stream('refunds', 'created_at', { tickMs: 1 }),
  },
}
