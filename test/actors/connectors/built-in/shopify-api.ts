import {
  type ApiAnswer,
  type ApiRequest,
  type BuiltIn,
  type SimulatedApi,
  type StreamCase,
  simulate,
} from './vendor.ts'
import { byTime, itemsOf, type Json, pageOf, placeOf, put, tokenOf } from './world.ts'

const shop = 'fine-goods'
const host = `${shop}.myshopify.com`
const base = '/admin/api/2026-10'
const clientSecret = 'shpss_3c1d9e7f5a2b4c6d'
/** what the grant gives */
export const issued = 'shpat_issued_0f9e8d7c6b5a'

/** Lists that filter by updated_at, from their reference pages, and what they take beside the common parameters. */
const dated: Record<string, string[]> = {
  orders: ['status', 'fields', 'created_at_min', 'created_at_max', 'ids', 'since_id'],
  customers: ['fields', 'created_at_min', 'created_at_max', 'ids', 'since_id'],
  products: ['fields', 'created_at_min', 'created_at_max', 'ids', 'since_id', 'status'],
  draft_orders: ['fields', 'ids', 'since_id', 'status'],
  checkouts: ['created_at_min', 'created_at_max', 'since_id', 'status'],
  price_rules: ['created_at_min', 'created_at_max', 'since_id', 'times_used'],
  custom_collections: ['fields', 'ids', 'since_id'],
  smart_collections: ['fields', 'ids', 'since_id'],
  pages: ['fields', 'created_at_min', 'created_at_max', 'since_id'],
}

const refuse = (status: number, errors: unknown): ApiAnswer => ({ status, body: { errors } })

/** Shopify's REST Admin API as its reference of 2026-10 describes it. */
function answer(api: SimulatedApi, request: ApiRequest): ApiAnswer {
  const { headers, path } = request
  if (path === '/admin/oauth/access_token') return grant(request)
  if (headers['x-shopify-access-token'] !== issued)
    return refuse(
      401,
      '[API] Invalid API key or access token (unrecognized login or wrong password)',
    )
  const given = resource(api, request)
  return { ...given, headers: { 'x-shopify-shop-api-call-limit': '2/40', ...given.headers } }
}

/** The client credentials grant, with a form and in no other way. */
function grant({ method, headers, body }: ApiRequest): ApiAnswer {
  const form = new URLSearchParams(body)
  const isForm = headers['content-type'] === 'application/x-www-form-urlencoded'
  if (method !== 'POST' || !isForm || form.get('grant_type') !== 'client_credentials')
    return refuse(400, 'invalid_request')
  if (form.get('client_id') !== 'a1b2c3' || form.get('client_secret') !== clientSecret)
    return { status: 400, body: { error: 'invalid_client', error_description: 'unknown client' } }
  return { body: { access_token: issued, scope: 'read_orders', expires_in: 86_399 } }
}

function resource(api: SimulatedApi, request: ApiRequest): ApiAnswer {
  const { world } = api
  const { path, query } = request
  if (!path.startsWith(`${base}/`)) return refuse(404, 'Not Found')
  const name = path.slice(base.length + 1).replace(/\.json$/, '')
  if (name === 'shop') return { body: { shop: { id: 1, name: shop } } }
  if (name === 'locations')
    return { body: { locations: itemsOf(world, 'locations').map(({ record }) => record) } }
  const transactions = /^orders\/(\d+)\/transactions$/.exec(name)
  if (transactions) {
    const records = itemsOf(world, `transactions of ${transactions[1]}`)
    world.served.push([])
    return { body: { transactions: records.map(({ record }) => record) } }
  }
  if (name === 'inventory_levels') return levels(api, query)
  if (name === 'events')
    return list(api, request, name, 'created_at', ['filter', 'verb', 'since_id', 'fields'])
  const known = dated[name]
  return known ? list(api, request, name, 'updated_at', known) : refuse(404, 'Not Found')
}

/** A list by Link header: beside page_info only limit is accepted, and the filter lives in the token. */
function list(
  api: SimulatedApi,
  { path, query }: ApiRequest,
  name: string,
  time: string,
  known: string[],
): ApiAnswer {
  const { world, faults } = api
  const limit = Number(query.get('limit') ?? 50)
  if (!(limit >= 1 && limit <= 250)) return refuse(400, { limit: 'must be between 1 and 250' })
  const token = query.get('page_info')
  const others = [...query.keys()].filter((key) => key !== 'limit' && key !== 'page_info')
  if (token !== null && others.length > 0)
    return refuse(400, { page_info: `Invalid value. ${others.join()} cannot be passed` })
  const accepted = [...known, `${time}_min`, `${time}_max`]
  const odd = others.find((key) => !accepted.includes(key))
  if (odd !== undefined) return refuse(400, { [odd]: 'unknown' })
  const [first, place] = token === null ? [query.toString(), 0] : positionOf(token)
  if (place === null) return refuse(400, { page_info: 'Invalid value.' })
  const filter = new URLSearchParams(first)
  const min = Date.parse(filter.get(`${time}_min`) ?? '1970-01-01')
  const max = Date.parse(filter.get(`${time}_max`) ?? '9999-01-01')
  if (Number.isNaN(min) || Number.isNaN(max)) return refuse(400, { [time]: 'invalid date' })
  const onlyOpen = (name === 'orders' || name === 'checkouts') && filter.get('status') !== 'any'
  const found = byTime(itemsOf(world, name)).filter(
    ({ ms, record }) => ms >= min && ms <= max && !(onlyOpen && record.closed_at !== null),
  )
  const { records, next } = pageOf(world, faults, found, place, limit)
  const fields = filter.get('fields')?.split(',')
  const shown = fields ? records.map((record) => only(record, fields)) : records
  const body = { [name]: shown }
  if (next === null) return { body }
  const nextToken = `${Buffer.from(first).toString('base64url')}.${tokenOf(next)}`
  const at = `https://${faults.nextHost ?? host}${path}?limit=${limit}&page_info=${nextToken}`
  return { body, headers: { link: `<https://${host}/>; rel="previous", <${at}>; rel="next"` } }
}

function positionOf(token: string): [string, number | null] {
  const [filter = '', place = ''] = token.split('.')
  return [Buffer.from(filter, 'base64url').toString('utf8'), placeOf(place)]
}

const only = (record: Json, fields: string[]): Json =>
  Object.fromEntries(Object.entries(record).filter(([name]) => fields.includes(name)))

function levels({ world, faults }: SimulatedApi, query: URLSearchParams): ApiAnswer {
  const token = query.get('page_info')
  const [first, place] = token === null ? [query.toString(), 0] : positionOf(token)
  const ids = new URLSearchParams(first).get('location_ids')?.split(',') ?? []
  if (ids.length === 0 || ids.length > 50)
    return refuse(422, { location_ids: 'between 1 and 50 are needed' })
  const found = itemsOf(world, 'inventory_levels').filter(({ record }) =>
    ids.includes(String(record.location_id)),
  )
  const limit = Number(query.get('limit') ?? 50)
  const { records, next } = pageOf(world, faults, found, place ?? 0, limit)
  const body = { inventory_levels: records }
  if (next === null) return { body }
  const nextToken = `${Buffer.from(first).toString('base64url')}.${tokenOf(next)}`
  const at = `https://${faults.nextHost ?? host}${base}/inventory_levels.json?limit=${limit}&page_info=${nextToken}`
  return { body, headers: { link: `<${at}>; rel="next"` } }
}

/** Shopify writes times in the shop's zone. */
const local = (ms: number): string =>
  `${new Date(ms - 5 * 3_600_000).toISOString().slice(0, 19)}-05:00`

const record = (n: number, ms: number, time: string): Json => ({
  id: 1_000 + n,
  [time]: local(ms),
  closed_at: n % 2 === 0 ? null : local(ms),
})

function stream(collection: string, time = 'updated_at'): StreamCase {
  return {
    seed(world, n, ms) {
      put(world, collection, ms, record(n, ms, time))
      return [String(1_000 + n)]
    },
    rowId: ({ id }) => String(id),
  }
}

const refunds: StreamCase = {
  seed(world, n, ms) {
    const list = Array.from({ length: n % 3 }, (_, at) => ({
      id: n * 10 + at,
      order_id: 1_000 + n,
    }))
    put(world, 'orders', ms, { ...record(n, ms, 'updated_at'), refunds: list })
    return list.map(({ id }) => String(id))
  },
  rowId: ({ id }) => String(id),
}

const transactions: StreamCase = {
  seed(world, n, ms) {
    put(world, 'orders', ms, record(n, ms, 'updated_at'))
    // Older than its order's last change: it belongs to the range that the order changed in.
    const made = { id: 5_000 + n, order_id: 1_000 + n, created_at: local(ms - 86_400_000) }
    put(world, `transactions of ${1_000 + n}`, ms, made)
    return [String(5_000 + n)]
  },
  rowId: ({ id }) => String(id),
}

const locations: StreamCase = {
  seed(world, n, ms) {
    put(world, 'locations', ms, { id: n, name: `Store ${n}` })
    return [String(n)]
  },
  rowId: ({ id }) => String(id),
  unpaged: true,
}

const inventory: StreamCase = {
  seed(world, n, ms) {
    put(world, 'locations', ms, { id: n })
    put(world, 'inventory_levels', ms, { inventory_item_id: 7, location_id: n, available: 3 })
    return [`7 ${n}`]
  },
  rowId: (row) => `${row.inventory_item_id} ${row.location_id}`,
}

export const shopify: BuiltIn = {
  id: 'shopify_rest',
  hosts: [host],
  makeApi: simulate(answer),
  config: {
    shop,
    auth_method: 'client_credentials',
    client_id: 'a1b2c3',
    client_secret: clientSecret,
  },
  wrongConfig: { shop, auth_method: 'token', access_token: 'shpat_wrong00000000' },
  secrets: [clientSecret, issued, 'shpat_wrong00000000'],
  forbidden: refuse(403, '[API] This action requires merchant approval for read_orders scope.'),
  tooMany: {
    ...refuse(
      429,
      'Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.',
    ),
    headers: { 'retry-after': '2.0' },
  },
  tooManyWaitMs: 2_000,
  allows: [{ match: /^\/admin\/api\//, requests: 40, perMs: 20_000 }],
  newestFirst: [
    'orders',
    'order_refunds',
    'order_transactions',
    'customers',
    'products',
    'draft_orders',
    'abandoned_checkouts',
    'price_rules',
    'custom_collections',
    'smart_collections',
    'pages',
    'events',
  ],
  streams: {
    orders: stream('orders'),
    order_refunds: refunds,
    order_transactions: transactions,
    customers: stream('customers'),
    products: stream('products'),
    draft_orders: stream('draft_orders'),
    abandoned_checkouts: stream('checkouts'),
    price_rules: stream('price_rules'),
    custom_collections: stream('custom_collections'),
    smart_collections: stream('smart_collections'),
    pages: stream('pages'),
    events: stream('events', 'created_at'),
    locations,
    inventory_levels: inventory,
  },
}
